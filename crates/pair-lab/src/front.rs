//! The EC2 endpoint: logs each call, lets faults have their way with it, and has it carried out.
//!
//! ```text
//! arrive ─► refused? black hole? ─► latency ─► late landing ─► limit, 500, denial ─► emulator or upstream ─► reply lost?
//!           └ the caller hangs up: nothing happened ┘          └ carried out, whether the caller is there or not ┘
//! ```

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Request, StatusCode};

use crate::action::Action;
use crate::api_error::ApiError;
use crate::emulator;
use crate::faults::Plan;
use crate::http::{self, BODY_LIMIT, HungUp, Reply};
use crate::log::{Fate, Outcome, Ticket};
use crate::query::Query;
use crate::shared::Shared;

/// Answers one request.
pub(crate) async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Reply, HungUp> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, BODY_LIMIT)
        .collect()
        .await
        .map_err(|_| HungUp)?
        .to_bytes();
    let query = Query::read(&parts.headers, &body, &shared.world);
    let call = shared.log.arrive(&query);
    let plan = shared.faults.plan(&query.node, query.known_action());
    if plan.is_refused {
        call.settle(Fate::Refused);
        return Err(HungUp);
    }
    if plan.is_black_hole {
        // Ends when the caller hangs up.
        return core::future::pending().await;
    }
    if let Some(latency) = plan.latency {
        tokio::time::sleep(latency).await;
    }
    let is_dry_run = query.is_set("DryRun");
    let land_late = plan.land_late.filter(|_| !is_dry_run);
    let errand = Errand {
        shared: Arc::clone(&shared),
        query,
        parts,
        body,
        plan,
        ticket: call.ticket(),
    };
    // A task of its own, because from here on a caller that hangs up stops nothing.
    let carried_out = tokio::spawn(async move {
        if let Some(late) = land_late {
            tokio::time::sleep(late).await;
        }
        errand.carry_out().await
    });
    let done = carried_out.await.map_err(|_| HungUp)?;
    let is_success = done.reply.status().is_success();
    if is_success && !is_dry_run && shared.faults.takes_reply(&done.node, done.action) {
        call.settle(Fate::Lost);
        return Err(HungUp);
    }
    call.settle(Fate::Answered);
    Ok(done.reply)
}

/// A call to carry out.
struct Errand {
    shared: Arc<Shared>,
    query: Query,
    parts: Parts,
    body: Bytes,
    plan: Plan,
    ticket: Ticket,
}

/// A call that was carried out.
struct Done {
    node: String,
    action: Option<Action>,
    reply: Reply,
}

impl Errand {
    async fn carry_out(self) -> Done {
        let result = match self.refusal() {
            Some(refusal) => Err(refusal),
            None => self.ask().await,
        };
        let (reply, outcome) = result.unwrap_or_else(|refusal| {
            let document = refusal.to_xml("lab").to_document();
            let outcome = Outcome {
                status: refusal.status,
                error: Some(refusal.code),
                association_id: None,
            };
            (xml_reply(outcome.status, document), outcome)
        });
        self.ticket.carried_out(&outcome);
        Done {
            action: self.query.known_action(),
            node: self.query.node,
            reply,
        }
    }

    /// Refuses the call if limit or faults say so.
    fn refusal(&self) -> Option<ApiError> {
        let is_over_limit = self
            .query
            .known_action()
            .is_some_and(|action| !self.shared.faults.take_token(action));
        if self.plan.is_throttled || is_over_limit {
            Some(ApiError::throttled())
        } else if self.plan.is_server_error {
            Some(ApiError::internal("An internal error has occurred"))
        } else if self.plan.is_denied {
            Some(ApiError::unauthorized())
        } else {
            None
        }
    }

    /// Asks whoever is EC2 here.
    async fn ask(&self) -> Result<(Reply, Outcome), ApiError> {
        let shared = &*self.shared;
        if let Some(age) = self.plan.stale.filter(|_| self.query.action == "DescribeAddresses") {
            let register = shared.register();
            let addresses = register.addresses_ago(shared.clock.ms(), age);
            let document = emulator::describe_addresses(shared, addresses, &self.query)?.to_document();
            return Ok((
                xml_reply(200, document),
                Outcome {
                    status: 200,
                    ..Outcome::default()
                },
            ));
        }
        let Some(upstream) = &shared.upstream else {
            let answer = emulator::answer(shared, &self.query)?;
            let outcome = Outcome {
                status: 200,
                error: None,
                association_id: answer.association_id,
            };
            return Ok((xml_reply(200, answer.document.to_document()), outcome));
        };
        let passed = upstream
            .pass(shared, &self.query, &self.parts, &self.body)
            .await
            .map_err(|error| ApiError::internal(format!("the EC2 behind the lab failed: {error}")))?;
        let status = passed.reply.status();
        let outcome = Outcome {
            status: status.as_u16(),
            error: passed.error,
            association_id: passed.association_id,
        };
        let content_type = passed
            .reply
            .headers()
            .get(hyper::header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let reply = http::reply(status, content_type.unwrap_or(XML), passed.reply.body().clone());
        Ok((reply, outcome))
    }
}

fn xml_reply(status: u16, document: String) -> Reply {
    let status = StatusCode::from_u16(status).expect("the statuses of this crate are valid");
    http::reply(status, XML, document)
}

const XML: &str = "text/xml;charset=UTF-8";
