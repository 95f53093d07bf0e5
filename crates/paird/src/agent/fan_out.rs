//! One client, several seats: an order to the node is an order to each of them, and the client gets one answer.

use pair_wire::control::{Answer, Outcome, Response};
use tokio::sync::oneshot;

/// What a seat is called, and where its answer goes.
type Ear = oneshot::Sender<Response>;

/// Gives each seat somebody to answer to; the client is told when all of them have answered. A client of one seat is answered by
/// that seat itself.
pub(super) fn fan_out(seats: Vec<String>, client: Ear) -> Vec<Ear> {
    if seats.len() == 1 {
        return vec![client];
    }
    let (ears, answers): (Vec<Ear>, Vec<_>) = seats.iter().map(|_| oneshot::channel()).unzip();
    tokio::spawn(async move {
        let mut told = Vec::new();
        for (seat, answer) in seats.into_iter().zip(answers) {
            // A seat that hangs up has nothing to say.
            if let Ok(response) = answer.await {
                told.push((seat, response));
            }
        }
        let _ = client.send(together(told));
    });
    ears
}

/// One answer that says what each seat said; what all of them say is said once. If one of them failed or refused, all of it did.
fn together(told: Vec<(String, Response)>) -> Response {
    let mut worst = Worst::Done;
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut advice = None;
    for (seat, response) in told {
        let line = match response.outcome {
            Outcome::Ok(Answer::Done { text }) => text,
            Outcome::Ok(_) => "done".to_owned(),
            Outcome::Refused { reason, hint } => {
                worst = worst.max(Worst::Refused);
                advice = advice.or(hint);
                reason
            }
            Outcome::Error { message } => {
                worst = Worst::Failed;
                message
            }
        };
        lines.push((seat, line));
    }
    let is_unanimous = lines.windows(2).all(|two| two[0].1 == two[1].1);
    let text = match lines.first() {
        Some((_, line)) if is_unanimous => line.clone(),
        Some(_) | None => {
            let lines: Vec<String> = lines.iter().map(|(seat, line)| format!("{seat}: {line}")).collect();
            lines.join("; ")
        }
    };
    match worst {
        Worst::Done => Response::done(text),
        Worst::Refused => Response::refused(text, advice),
        Worst::Failed => Response::error(text),
    }
}

/// How the worst of several answers is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worst {
    Done,
    Refused,
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(responses: [Response; 2]) -> Vec<(String, Response)> {
        let seats = ["203.0.113.10", "203.0.113.11"].map(str::to_owned);
        seats.into_iter().zip(responses).collect()
    }

    #[test]
    fn what_all_say_is_said_once() {
        let both = together(told([Response::done("held"), Response::done("held")]));
        assert_eq!(both, Response::done("held"));
    }

    #[test]
    fn one_refusal_refuses_and_says_which() {
        let hint = Some("repair it".to_owned());
        let both = together(told([Response::done("gone"), Response::refused("unfit", hint.clone())]));
        assert_eq!(both, Response::refused("203.0.113.10: gone; 203.0.113.11: unfit", hint));
        let both = together(told([Response::error("no disk"), Response::refused("unfit", None)]));
        assert_eq!(both, Response::error("203.0.113.10: no disk; 203.0.113.11: unfit"));
    }

    #[tokio::test]
    async fn a_client_is_answered_when_all_have_answered() {
        let (client, mut answered) = oneshot::channel();
        let mut ears = fan_out(vec!["one".to_owned(), "two".to_owned()], client);
        let second = ears.pop().unwrap();
        ears.pop().unwrap().send(Response::done("x")).unwrap();
        tokio::task::yield_now().await;
        assert!(answered.try_recv().is_err());
        second.send(Response::done("y")).unwrap();
        assert_eq!(answered.await.unwrap(), Response::done("one: x; two: y"));
    }
}
