//! What one attempt does on the wire, and how its failures are sorted.

use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pair_ec2::{CallError, Connection, Ec2, Tag, Target};
use tokio::net::TcpListener;

use crate::ec2::{Behaviour, Ec2Stub, error};
use crate::imds::{ACCESS_KEY, ImdsStub, Mode};

#[path = "support/ec2.rs"]
mod ec2;
#[path = "support/http.rs"]
mod http;
#[path = "support/imds.rs"]
mod imds;

/// Long enough for anything on loopback; no test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);
/// The deadline of calls that are meant to reach it.
const DEADLINE: Duration = Duration::from_millis(300);

const ALLOCATION: &str = "eipalloc-0123456789abcdef0";
const ASSOCIATED: &str = "<AssociateAddressResponse><return>true</return>\
    <associationId>eipassoc-1</associationId></AssociateAddressResponse>";
const UNHELD: &str = "<DescribeAddressesResponse><addressesSet><item>\
    <publicIp>203.0.113.10</publicIp><allocationId>eipalloc-0123456789abcdef0</allocationId>\
    <domain>vpc</domain><instanceId/><associationId></associationId><networkInterfaceId/>\
    <privateIpAddress></privateIpAddress></item></addressesSet></DescribeAddressesResponse>";

fn target() -> Target {
    Target {
        allocation_id: ALLOCATION.to_owned(),
        network_interface_id: "eni-1".to_owned(),
        private_ip: Ipv4Addr::new(10, 0, 1, 10),
    }
}

async fn client(imds: &ImdsStub, url: &str) -> Ec2 {
    Ec2::connect(&imds.settings(url), &imds.client(), "eu-central-1")
        .await
        .expect("a valid URL")
}

/// Associates once against an EC2 of this behaviour; exactly one request may leave.
async fn associate_once(behaviour: Behaviour, timeout: Duration) -> Result<String, CallError> {
    let imds = ImdsStub::start(Mode::Serves).await;
    let stub = Ec2Stub::start(behaviour).await;
    let ec2 = client(&imds, &stub.url).await;
    let outcome = ec2.associate(&target(), true, timeout, Connection::Pooled).await;
    assert_eq!(stub.requests().len(), 1, "one attempt is one request");
    outcome
}

#[tokio::test]
async fn a_move_names_everything_explicitly() {
    let imds = ImdsStub::start(Mode::Serves).await;
    let stub = Ec2Stub::start(Behaviour::Answer(200, ASSOCIATED.to_owned())).await;
    let ec2 = client(&imds, &stub.url).await;
    for allow in [true, false] {
        let id = ec2.associate(&target(), allow, PATIENCE, Connection::Pooled).await;
        assert_eq!(id, Ok("eipassoc-1".to_owned()));
    }
    let [first, second] = &stub.requests()[..] else {
        panic!("two calls are two requests");
    };
    assert_eq!(first.parameter("Action"), Some("AssociateAddress"));
    assert_eq!(first.parameter("AllocationId"), Some(ALLOCATION));
    assert_eq!(first.parameter("NetworkInterfaceId"), Some("eni-1"));
    assert_eq!(first.parameter("PrivateIpAddress"), Some("10.0.1.10"));
    assert_eq!(first.parameter("AllowReassociation"), Some("true"));
    assert_eq!(second.parameter("AllowReassociation"), Some("false"));
    assert_eq!(first.parameter("InstanceId"), None);
    assert_eq!(first.parameter("DryRun"), Some("false"));
    let agent = first.header("user-agent").expect("the SDK names itself");
    assert!(agent.contains("aws-sdk-rust"), "{agent}");
    assert!(agent.contains("app/paird"), "{agent}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_left_at_the_deadline() {
    let started = Instant::now();
    let error = associate_once(Behaviour::Hang, DEADLINE).await.expect_err("no answer");
    assert!(matches!(error, CallError::Unanswered { .. }), "{error}");
    assert!(error.may_have_applied() && !error.was_answered());
    assert!(started.elapsed() >= DEADLINE);
    assert!(started.elapsed() < PATIENCE / 2);
    assert_eq!(
        error.to_string(),
        "AssociateAddress got no answer: deadline of 300ms passed"
    );
}

#[tokio::test]
async fn a_connection_that_ends_without_an_answer_leaves_the_outcome_open() {
    for behaviour in [Behaviour::Reset, Behaviour::Close] {
        let error = associate_once(behaviour, PATIENCE).await.expect_err("no answer");
        assert!(matches!(error, CallError::Unanswered { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_refused_connection_surely_changed_nothing() {
    let imds = ImdsStub::start(Mode::Serves).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let url = format!("http://{}", closed.local_addr().expect("bound"));
    drop(closed);
    let ec2 = client(&imds, &url).await;
    for connection in [Connection::Pooled, Connection::Fresh] {
        let error = ec2
            .associate(&target(), true, PATIENCE, connection)
            .await
            .expect_err("nobody listens");
        assert!(matches!(error, CallError::Retry { answered: false, .. }), "{error}");
        assert!(error.to_string().contains("refused"), "{error}");
    }
}

#[tokio::test]
async fn a_name_that_does_not_resolve_surely_changed_nothing() {
    let imds = ImdsStub::start(Mode::Serves).await;
    // A label of more than 63 letters fails in the resolver library: no query leaves the host.
    let ec2 = client(&imds, &format!("http://{}.localhost", "a".repeat(64))).await;
    let error = ec2
        .associate(&target(), true, PATIENCE, Connection::Pooled)
        .await
        .expect_err("no such name can exist");
    assert!(!error.may_have_applied(), "{error}");
    assert!(matches!(error, CallError::Retry { .. }), "{error}");
}

#[tokio::test]
async fn a_deadline_in_the_tls_handshake_surely_changed_nothing() {
    let imds = ImdsStub::start(Mode::Serves).await;
    // Accepts in the kernel and never speaks: connected, but no TLS and so no request.
    let mute = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let url = format!("https://{}", mute.local_addr().expect("bound"));
    let ec2 = client(&imds, &url).await;
    let error = ec2
        .associate(&target(), true, DEADLINE, Connection::Pooled)
        .await
        .expect_err("no handshake");
    assert!(matches!(error, CallError::Retry { answered: false, .. }), "{error}");
}

#[tokio::test]
async fn refusals_are_sorted_and_never_repeated() {
    let throttled = associate_once(error(503, "RequestLimitExceeded"), PATIENCE).await;
    assert!(matches!(throttled, Err(CallError::Throttled { .. })), "{throttled:?}");
    let denied = associate_once(error(403, "UnauthorizedOperation"), PATIENCE).await;
    assert_eq!(
        denied.expect_err("denied").to_string(),
        "AssociateAddress was denied: UnauthorizedOperation (HTTP 403), Because"
    );
    let taken = associate_once(error(400, "Resource.AlreadyAssociated"), PATIENCE).await;
    assert!(matches!(taken, Err(CallError::AlreadyAssociated { .. })), "{taken:?}");
    let gone = associate_once(error(400, "InvalidAllocationID.NotFound"), PATIENCE).await;
    assert!(matches!(gone, Err(CallError::Gone { .. })), "{gone:?}");
    let unavailable = associate_once(error(503, "Unavailable"), PATIENCE).await;
    assert!(
        matches!(unavailable, Err(CallError::Retry { answered: true, .. })),
        "{unavailable:?}"
    );
}

#[tokio::test]
async fn answers_that_do_not_say_whether_it_worked_are_unclear() {
    let answers = [
        error(500, "InternalError"),
        Behaviour::Answer(500, "<html>oops</html>".to_owned()),
        Behaviour::Answer(503, "no healthy upstream".to_owned()),
        Behaviour::Answer(200, "<html>captive portal</html>".to_owned()),
        Behaviour::Answer(
            200,
            "<AssociateAddressResponse><associationId/></AssociateAddressResponse>".to_owned(),
        ),
        Behaviour::CutShort,
    ];
    for behaviour in answers {
        let outcome = associate_once(behaviour.clone(), PATIENCE).await;
        assert!(
            matches!(outcome, Err(CallError::Unclear { .. })),
            "{behaviour:?}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_dry_run_is_allowed_by_its_own_error_only() {
    let imds = ImdsStub::start(Mode::Serves).await;
    let cases = [
        error(412, "DryRunOperation"),
        error(403, "UnauthorizedOperation"),
        Behaviour::Answer(200, ASSOCIATED.to_owned()),
    ];
    let mut outcomes = Vec::new();
    for behaviour in cases {
        let stub = Ec2Stub::start(behaviour).await;
        let ec2 = client(&imds, &stub.url).await;
        outcomes.push(
            ec2.dry_run_associate(&target(), true, PATIENCE, Connection::Pooled)
                .await,
        );
        let requests = stub.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].parameter("DryRun"), Some("true"));
    }
    assert_eq!(outcomes[0], Ok(()));
    assert!(matches!(outcomes[1], Err(CallError::Denied { .. })));
    assert!(matches!(outcomes[2], Err(CallError::Unclear { .. })));
}

#[tokio::test]
async fn empty_strings_mean_that_nobody_holds_the_address() {
    let imds = ImdsStub::start(Mode::Serves).await;
    let stub = Ec2Stub::start(Behaviour::Answer(200, UNHELD.to_owned())).await;
    let ec2 = client(&imds, &stub.url).await;
    let address = ec2
        .address(ALLOCATION, PATIENCE, Connection::Pooled)
        .await
        .expect("an answer");
    assert_eq!(address.public_ip, Ipv4Addr::new(203, 0, 113, 10));
    assert_eq!(address.association, None);
    let requests = stub.requests();
    assert_eq!(requests[0].parameter("AllocationId.1"), Some(ALLOCATION));
}

#[tokio::test]
async fn an_address_that_is_not_listed_is_gone_and_not_unheld() {
    let imds = ImdsStub::start(Mode::Serves).await;
    let empty = "<DescribeAddressesResponse><addressesSet/></DescribeAddressesResponse>";
    let stub = Ec2Stub::start(Behaviour::Answer(200, empty.to_owned())).await;
    let ec2 = client(&imds, &stub.url).await;
    let outcome = ec2.address(ALLOCATION, PATIENCE, Connection::Pooled).await;
    assert!(matches!(outcome, Err(CallError::Gone { .. })), "{outcome:?}");
}

/// One page of an answer to `DescribeInstances`, with a token if there is one more.
fn page(instance: &str, token: &str) -> Behaviour {
    let body = format!(
        "<DescribeInstancesResponse><reservationSet><item><instancesSet><item>\
         <instanceId>{instance}</instanceId><instanceState><code>16</code><name>running</name></instanceState>\
         <launchTime>2026-11-26T06:00:00.000Z</launchTime>\
         <placement><availabilityZone>us-east-1a</availabilityZone></placement>\
         </item></instancesSet></item></reservationSet>{token}</DescribeInstancesResponse>"
    );
    Behaviour::Answer(200, body)
}

#[tokio::test]
async fn every_page_of_an_answer_is_read_and_not_without_end() {
    let tag = Tag {
        key: "paird:pair".to_owned(),
        value: "lb-1".to_owned(),
    };
    for pages in [1, 3, usize::MAX] {
        let imds = ImdsStub::start(Mode::Serves).await;
        let asked = Arc::new(AtomicUsize::new(0));
        let stub = Ec2Stub::start_with(move |_| {
            let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
            let token = if number < pages {
                "<nextToken>more</nextToken>"
            } else {
                ""
            };
            page(&format!("i-{number}"), token)
        });
        let stub = stub.await;
        let ec2 = client(&imds, &stub.url).await;
        let found = ec2.tagged_instances(&tag, PATIENCE, Connection::Pooled).await;
        let requests = stub.requests();
        assert_eq!(requests[0].parameter("Filter.1.Name"), Some("tag%3Apaird%3Apair"));
        assert_eq!(requests[0].parameter("Filter.1.Value.1"), Some("lb-1"));
        assert_eq!(requests[0].parameter("NextToken"), None);
        assert!(
            requests[1..]
                .iter()
                .all(|request| request.parameter("NextToken") == Some("more"))
        );
        match found {
            Ok(found) => assert_eq!((found.len(), requests.len()), (pages, pages)),
            Err(error) => {
                assert!(matches!(error, CallError::Unclear { .. }), "{error}");
                assert_eq!((pages, requests.len()), (usize::MAX, 10));
            }
        }
    }
}

#[tokio::test]
async fn pooled_calls_share_a_connection_and_fresh_ones_do_not() {
    let imds = ImdsStub::start(Mode::Serves).await;
    let stub = Ec2Stub::start(Behaviour::Answer(200, UNHELD.to_owned())).await;
    let ec2 = client(&imds, &stub.url).await;
    let mut connections = Vec::new();
    for connection in [
        Connection::Pooled,
        Connection::Pooled,
        Connection::Fresh,
        Connection::Fresh,
        Connection::Pooled,
    ] {
        ec2.address(ALLOCATION, PATIENCE, connection).await.expect("an answer");
        connections.push(stub.connections());
    }
    assert_eq!(connections, [1, 1, 2, 3, 3]);
}

#[tokio::test]
async fn a_read_that_hangs_holds_up_no_claim() {
    let imds = ImdsStub::start(Mode::Serves).await;
    let stub = Ec2Stub::start_with(|action| match action {
        "AssociateAddress" => Behaviour::Answer(200, ASSOCIATED.to_owned()),
        _ => Behaviour::Hang,
    })
    .await;
    let ec2 = client(&imds, &stub.url).await;
    let target = target();
    let (read, claim) = tokio::join!(
        ec2.address(ALLOCATION, DEADLINE, Connection::Pooled),
        ec2.associate(&target, true, PATIENCE, Connection::Pooled),
    );
    assert!(matches!(read, Err(CallError::Unanswered { .. })), "{read:?}");
    assert_eq!(claim, Ok("eipassoc-1".to_owned()));
}

#[tokio::test]
async fn without_an_instance_profile_nothing_is_sent() {
    let imds = ImdsStub::start(Mode::HasNoRole).await;
    let stub = Ec2Stub::start(Behaviour::Answer(200, ASSOCIATED.to_owned())).await;
    let ec2 = client(&imds, &stub.url).await;
    let error = ec2
        .associate(&target(), true, PATIENCE, Connection::Pooled)
        .await
        .expect_err("nothing to sign with");
    assert!(matches!(error, CallError::NoCredentials { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.starts_with("AssociateAddress was not sent, no credentials from IMDS: "),
        "{text}"
    );
    assert!(
        text.ends_with("; attach an instance profile to this instance"),
        "{text}"
    );
    assert_eq!(stub.requests().len(), 0);
}

#[tokio::test]
async fn whatever_answers_in_place_of_the_metadata_service_is_an_error_and_no_panic() {
    let imds = ImdsStub::start(Mode::NamesNoRole).await;
    let stub = Ec2Stub::start(Behaviour::Answer(200, ASSOCIATED.to_owned())).await;
    let ec2 = client(&imds, &stub.url).await;
    let error = ec2
        .associate(&target(), true, PATIENCE, Connection::Pooled)
        .await
        .expect_err("nothing to sign with");
    assert!(matches!(error, CallError::NoCredentials { .. }), "{error}");
    assert!(error.to_string().contains("<html>"), "{error}");
    assert_eq!(stub.requests().len(), 0);
}

#[tokio::test]
async fn a_metadata_service_that_hangs_cannot_stretch_a_call() {
    let imds = ImdsStub::start(Mode::Hangs).await;
    let stub = Ec2Stub::start(Behaviour::Answer(200, ASSOCIATED.to_owned())).await;
    let ec2 = client(&imds, &stub.url).await;
    let started = Instant::now();
    let error = ec2
        .associate(&target(), true, DEADLINE, Connection::Pooled)
        .await
        .expect_err("nothing to sign with");
    assert!(!error.may_have_applied(), "{error}");
    assert!(started.elapsed() < PATIENCE / 2);
    assert_eq!(stub.requests().len(), 0);
}

#[tokio::test]
async fn credentials_are_fetched_once_and_renewed_by_warming_only() {
    let imds = ImdsStub::start(Mode::Serves).await;
    let stub = Ec2Stub::start(Behaviour::Answer(200, UNHELD.to_owned())).await;
    let ec2 = client(&imds, &stub.url).await;
    for _ in 0..3 {
        ec2.address(ALLOCATION, PATIENCE, Connection::Pooled)
            .await
            .expect("an answer");
    }
    assert_eq!(imds.served(), 1);
    ec2.warm(ALLOCATION, PATIENCE).await.expect("an answer");
    assert_eq!(imds.served(), 2);
}

#[tokio::test]
async fn warming_reads_even_if_the_metadata_service_hangs() {
    let imds = ImdsStub::start(Mode::ServesOnce).await;
    let stub = Ec2Stub::start(Behaviour::Answer(200, UNHELD.to_owned())).await;
    let ec2 = client(&imds, &stub.url).await;
    ec2.warm(ALLOCATION, PATIENCE).await.expect("an answer");
    ec2.warm(ALLOCATION, Duration::from_secs(2))
        .await
        .expect("the old credentials still serve");
}

#[tokio::test]
async fn calls_are_signed_with_the_instances_credentials() {
    let imds = ImdsStub::start(Mode::Serves).await;
    let stub = Ec2Stub::start(Behaviour::Answer(200, UNHELD.to_owned())).await;
    let ec2 = client(&imds, &stub.url).await;
    ec2.address(ALLOCATION, PATIENCE, Connection::Pooled)
        .await
        .expect("an answer");
    let requests = stub.requests();
    let signature = requests[0].header("authorization").expect("signed");
    let credential = format!("Credential={ACCESS_KEY}/");
    assert!(signature.contains(&credential), "{signature}");
    assert!(signature.contains("/eu-central-1/ec2/"), "{signature}");
}

/// Runs the test above in a process whose environment tries to lead it astray.
#[test]
fn stray_keys_profiles_and_proxies_in_the_environment_change_nothing() {
    let output = Command::new(std::env::current_exe().expect("this test has a file"))
        .args(["--exact", "calls_are_signed_with_the_instances_credentials"])
        .env("AWS_ACCESS_KEY_ID", "AKIASTRAY")
        .env("AWS_SECRET_ACCESS_KEY", "stray")
        .env("AWS_PROFILE", "stray")
        .env("AWS_REGION", "us-gov-west-1")
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .output()
        .expect("this test can run itself");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
}

#[tokio::test]
async fn the_real_endpoint_follows_the_region_and_is_no_redirection() {
    let imds = ImdsStub::start(Mode::Serves).await;
    let mut settings = imds.settings("http://unused");
    settings.ec2 = None;
    let ec2 = Ec2::connect(&settings, &imds.client(), "eu-central-1")
        .await
        .expect("a region");
    assert_eq!(ec2.endpoint().url, "https://ec2.eu-central-1.amazonaws.com");
    assert_eq!(ec2.endpoint().redirected_by, None);
    settings.use_fips = true;
    settings.region = Some("us-east-1".to_owned());
    let fips = Ec2::connect(&settings, &imds.client(), "eu-central-1")
        .await
        .expect("a region");
    assert_eq!(fips.endpoint().url, "https://ec2-fips.us-east-1.amazonaws.com");
}

/// A daemon spawns these calls.
#[test]
fn attempts_can_move_between_threads() {
    fn is_send<T: Send>(_: impl FnOnce(Ec2) -> T) {}
    is_send(|ec2| async move { ec2.associate(&target(), true, PATIENCE, Connection::Fresh).await });
    is_send(|ec2| async move { ec2.warm(ALLOCATION, PATIENCE).await });
    is_send(|ec2| async move { ec2.instance("i-1", PATIENCE, Connection::Pooled).await });
}
