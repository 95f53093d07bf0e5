//! A plain caller of the EC2 Query API: the lab's administrator, and the hand of its tests.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use thiserror::Error;

use crate::http::{self, HttpError};
use crate::world::REGION;
use crate::xml::{Element, XmlError};

/// Calls an EC2 Query API, unsigned: neither the emulator nor moto checks signatures.
#[derive(Debug, Clone)]
pub struct QueryClient {
    addr: SocketAddr,
    access_key_id: String,
}

/// A call that was not answered with success.
#[derive(Debug, Error)]
pub enum QueryError {
    /// EC2 refused: nothing changed.
    #[error("{action} was refused with {code} ({status})")]
    Refused {
        /// The action called.
        action: String,
        /// The HTTP status.
        status: u16,
        /// EC2's code; empty if the answer was no EC2 error document.
        code: String,
    },
    /// No answer: it may have been carried out.
    #[error("{action} got no answer")]
    Unanswered {
        /// The action called.
        action: String,
        /// Why there was none.
        source: HttpError,
    },
    /// The answer is not the XML of an EC2 reply, or lacks what every such reply has.
    #[error("{action} got an answer without {missing}")]
    Unreadable {
        /// The action called.
        action: String,
        /// What the answer lacks.
        missing: String,
    },
}

impl QueryClient {
    /// Makes a caller that signs, in name only, with this access key id.
    pub fn new(addr: SocketAddr, access_key_id: &str) -> Self {
        Self {
            addr,
            access_key_id: access_key_id.to_owned(),
        }
    }

    /// Makes one call on a connection of its own.
    ///
    /// # Errors
    /// [`QueryError`], each saying whether the call may have been carried out.
    pub async fn call(&self, action: &str, params: &[(&str, &str)]) -> Result<Element, QueryError> {
        let answer = http::send(self.addr, self.request(action, params))
            .await
            .map_err(|source| QueryError::Unanswered {
                action: action.to_owned(),
                source,
            })?;
        let status = answer.status();
        let text = String::from_utf8_lossy(answer.body());
        let document = Element::parse(&text);
        if !status.is_success() {
            let code = document
                .ok()
                .and_then(|error| error.text_of("Code").map(str::to_owned))
                .unwrap_or_default();
            return Err(QueryError::Refused {
                action: action.to_owned(),
                status: status.as_u16(),
                code,
            });
        }
        document.map_err(|error: XmlError| QueryError::Unreadable {
            action: action.to_owned(),
            missing: error.to_string(),
        })
    }

    /// Makes one call and gives one text of its answer.
    ///
    /// # Errors
    /// As for [`QueryClient::call`], and [`QueryError::Unreadable`] if the answer has no such element.
    pub async fn call_for(&self, action: &str, params: &[(&str, &str)], element: &str) -> Result<String, QueryError> {
        let answer = self.call(action, params).await?;
        required(&answer, action, element)
    }

    fn request(&self, action: &str, params: &[(&str, &str)]) -> Request<Full<Bytes>> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", action)
            .append_pair("Version", API_VERSION)
            .extend_pairs(params);
        // The service named in the scope is how moto tells an EC2 call from one to S3.
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential={}/20260101/{REGION}/ec2/aws4_request, SignedHeaders=host, Signature=0",
            self.access_key_id
        );
        Request::post("/")
            .header(HOST, self.addr.to_string())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(USER_AGENT, "pair-lab")
            .header(AUTHORIZATION, signature)
            .body(Full::new(Bytes::from(form.finish())))
            .expect("an access key id of the lab is a valid header value")
    }
}

/// Gives the text of an element that an answer must have.
pub(crate) fn required(answer: &Element, action: &str, element: &str) -> Result<String, QueryError> {
    let missing = || QueryError::Unreadable {
        action: action.to_owned(),
        missing: element.to_owned(),
    };
    answer.text_of(element).map(str::to_owned).ok_or_else(missing)
}

/// The version of the EC2 API that every caller in this repository speaks.
pub(crate) const API_VERSION: &str = "2016-11-15";
