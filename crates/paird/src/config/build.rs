//! From the document to a [`Config`]: each section in turn, then what only several keys together show.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pair_ec2::Tag;
use toml::de::DeTable;

use super::address::read_addresses;
use super::duration;
use super::finding::Findings;
use super::nearest::nearest;
use super::reader::{Reader, Reported, Section, times};
use super::syntax::StatusRange;
use super::value::{Problem, quoted};
use super::{
    Check, CommandCheck, Config, Ec2, Heartbeat, Hooks, HttpCheck, Log, LogFormat, LogLevel, NOWHERE, Node, Probe,
    Profile, Security, Takeover, TcpCheck, Witness,
};
use crate::notices::{Policy, Response};

pub(super) type Read<T> = Result<T, Reported>;

/// Reads the whole document, every section whatever the others hold.
pub(super) fn build(file: &str, text: &str) -> Result<Config, Findings> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader::new(file, text);
    reader.note_syntax(&errors);
    let read = read_all(&mut reader, file, document.get_ref());
    let findings = reader.into_findings();
    match read {
        Ok(config) if findings.is_empty() => Ok(config),
        Ok(_) | Err(Reported) => Err(Findings::new(findings)),
    }
}

fn read_all<'t>(reader: &mut Reader<'t>, file: &str, document: &'t DeTable<'t>) -> Read<Config> {
    let root = reader.root(document);
    let pair = reader.text(&root, "pair");
    let discovery = read_discovery(reader, &root, pair.as_deref().unwrap_or_default());
    // With a mistake in it, too: the nodes are meant to be found.
    let is_found = !matches!(discovery, Ok(None));
    let nodes = read_nodes(reader, &root, is_found);
    let addresses = read_addresses(reader, &root, pair.as_deref().unwrap_or_default(), nodes.as_ref().ok());
    let heartbeat = read_heartbeat(reader, &root);
    let timing = heartbeat.as_ref().ok();
    let check = read_check(reader, &root, timing);
    let probe = read_probe(reader, &root, timing);
    let takeover = read_takeover(reader, &root, timing);
    let security = read_security(reader, &root);
    let witness = read_witness(reader, &root, nodes.as_ref().ok(), timing);
    let ec2 = read_ec2(reader, &root);
    let readiness_interval = read_readiness_interval(reader, &root);
    let notices = read_notices(reader, &root);
    let control_socket = read_control_socket(reader, &root);
    let state_directory = read_state_directory(reader, &root);
    let metrics_listen = read_metrics(reader, &root);
    let hooks = read_hooks(reader, &root);
    let log = read_log(reader, &root);
    Ok(Config {
        file: file.to_owned(),
        pair: pair?,
        nodes: nodes?,
        discovery: discovery?,
        addresses: addresses?,
        heartbeat: heartbeat?,
        check: check?,
        probe: probe?,
        takeover: takeover?,
        security: security?,
        witness: witness?,
        ec2: ec2?,
        readiness_interval: readiness_interval?,
        notices: notices?,
        control_socket: control_socket?.into(),
        state_directory: state_directory?.into(),
        metrics_listen: metrics_listen?,
        hooks: hooks?,
        log: log?,
    })
}

fn read_discovery<'t>(reader: &mut Reader<'t>, root: &Section<'t>, pair: &str) -> Read<Option<Tag>> {
    let section = reader.section(root, "discovery")?;
    if !section.is_present() {
        return Ok(None);
    }
    let tag = reader.text(&section, "tag")?;
    Ok(Some(tag_of(&tag, pair)))
}

/// A tag without a value has the name of the pair for one.
pub(super) fn tag_of(text: &str, pair: &str) -> Tag {
    let (key, value) = text.split_once('=').unwrap_or((text, pair));
    Tag {
        key: key.to_owned(),
        value: value.to_owned(),
    }
}

fn read_nodes<'t>(reader: &mut Reader<'t>, root: &Section<'t>, is_found: bool) -> Read<[Node; 2]> {
    let sections = reader.sections(root, "node")?;
    let nodes: Vec<_> = sections
        .iter()
        .map(|section| {
            let name = reader.text(section, "name");
            let addresses = reader.optional_texts(section, "addresses");
            let zone = reader.optional_text(section, "zone");
            let (mut ends, zone) = read_place(reader, section, is_found, (addresses?, zone?))?;
            let address = ends.remove(0);
            Ok(Node {
                name: name?,
                address,
                more: ends,
                zone,
            })
        })
        .collect();
    let [first, second] = exactly(reader, root, "node", "a pair has exactly two nodes", &sections, nodes)?;
    let (first, second) = (first?, second?);
    let mut outcome = Ok(());
    if first.zone.is_some() && first.zone == second.zone {
        let problem = Problem::new(
            format!(
                "{} is used by both nodes",
                quoted(second.zone.as_deref().unwrap_or_default())
            ),
            "give each node its own",
        );
        outcome = Err(reader.report(&sections[1], "zone", problem));
    }
    if first.name == second.name {
        let problem = Problem::new(
            format!("{} is used by both nodes", quoted(&second.name)),
            "give each node its own",
        );
        outcome = Err(reader.report(&sections[1], "name", problem));
    }
    if first.zone.is_none() {
        for (section, problem) in about_paths(&first, &second) {
            outcome = Err(reader.report(&sections[section], "addresses", problem));
        }
    }
    outcome.map(|()| [first, second])
}

/// What is wrong with the addresses of the nodes as ends of paths, by the node whose fault it is.
fn about_paths(first: &Node, second: &Node) -> Vec<(usize, Problem)> {
    let [ours, theirs] = [first, second].map(|node| node.ends().collect::<Vec<IpAddr>>());
    if ours.len() != theirs.len() {
        let problem = format!("{} entries, and the other node has {}", theirs.len(), ours.len());
        let advice = "give both nodes an address for each path, in the same order";
        return vec![(1, Problem::new(problem, advice))];
    }
    let mut problems = Vec::new();
    for (place, address) in ours.iter().enumerate() {
        if ours[..place].contains(address) {
            problems.push((0, Problem::new(format!("{address} is written twice"), "write it once")));
        }
    }
    for (place, (own, other)) in ours.iter().zip(&theirs).enumerate() {
        if theirs[..place].contains(other) {
            problems.push((1, Problem::new(format!("{other} is written twice"), "write it once")));
        } else if ours.contains(other) {
            let problem = format!("{other} is used by both nodes");
            problems.push((1, Problem::new(problem, "give each node its own")));
        } else if own.is_ipv4() != other.is_ipv4() {
            let problem = format!("{own} and {other} are of different families");
            problems.push((1, Problem::new(problem, "write two IPv4 or two IPv6 addresses")));
        }
    }
    problems
}

/// Where a node is: at the ends of its paths, one at least, or found in its zone.
fn read_place<'t>(
    reader: &mut Reader<'t>,
    section: &Section<'t>,
    is_found: bool,
    place: (Option<Vec<String>>, Option<String>),
) -> Read<(Vec<IpAddr>, Option<String>)> {
    let (key, problem) = match (is_found, place) {
        (false, (Some(addresses), None)) => {
            let ends = addresses.iter().map(|address| address.parse());
            let ends = ends.collect::<Result<_, _>>();
            return Ok((ends.expect("the schema gives the syntax of an address"), None));
        }
        (true, (None, Some(zone))) => return Ok((vec![NOWHERE.into()], Some(zone))),
        (false, (_, Some(_))) => (
            "zone",
            Problem::new("only nodes that are found have one", "remove it, or add [discovery]"),
        ),
        (true, (Some(_), _)) => (
            "addresses",
            Problem::new("the node is found by [discovery]", "write `zone = …` in its place"),
        ),
        (false, (None, None)) => return Err(reader.missing_in(section, "addresses")),
        (true, (None, None)) => return Err(reader.missing_in(section, "zone")),
    };
    Err(reader.report(section, key, problem))
}

fn read_heartbeat<'t>(reader: &mut Reader<'t>, root: &Section<'t>) -> Read<Heartbeat> {
    let section = reader.section(root, "heartbeat")?;
    let profile = reader.text(&section, "profile");
    let interval = reader.optional_duration(&section, "interval");
    let holdtime = reader.optional_duration(&section, "holdtime");
    let port = reader.integer(&section, "port");
    let profile = Profile::named(&profile?).expect("the schema lists the profiles");
    let (interval_default, holdtime_default) = profile.timing();
    let interval = interval?.unwrap_or(interval_default);
    let holdtime = holdtime?.unwrap_or(holdtime_default);
    let shortest = interval * INTERVALS_PER_HOLDTIME;
    if holdtime < shortest {
        let problem = Problem::new(
            format!(
                "{} is shorter than 3 intervals of {}",
                duration::format(holdtime),
                duration::format(interval)
            ),
            format!("write at least \"{}\"", duration::format(shortest)),
        );
        return Err(reader.report(&section, "holdtime", problem));
    }
    Ok(Heartbeat {
        profile,
        interval,
        holdtime,
        port: port?,
    })
}

fn read_check<'t>(reader: &mut Reader<'t>, root: &Section<'t>, timing: Option<&Heartbeat>) -> Read<Check> {
    let section = reader.section(root, "check")?;
    let haproxy = reader.section(&section, "haproxy");
    let haproxy = haproxy.and_then(|haproxy| {
        if !haproxy.is_present() {
            return Ok(None);
        }
        let socket = reader.text(&haproxy, "socket");
        let config = reader.text(&haproxy, "config");
        Ok(Some((socket?, config?)))
    });
    let http = read_http_check(reader, &section, timing);
    let tcp = read_tcp_check(reader, &section, timing);
    let command = read_command_check(reader, &section);
    let interval = reader.optional_duration(&section, "interval");
    let none = reader.flag(&section, "none");
    let longest = Duration::from_secs(5);
    let interval = interval?.or(timing.map(|timing| timing.interval.max(SHORTEST_CHECK).min(longest)));
    let (haproxy, none) = (haproxy?, none?);
    let (haproxy_socket, haproxy_config) = haproxy.unzip();
    let check = Check {
        haproxy_socket: haproxy_socket.map(Into::into),
        haproxy_config: haproxy_config.map(Into::into),
        http: http?,
        tcp: tcp?,
        command: command?,
        interval: interval.ok_or(Reported)?,
    };
    match (check.is_bare(), none) {
        (false, false) | (true, true) => Ok(check),
        (true, false) => {
            let cure = "add `haproxy`, `http`, `tcp`, `command`, or `none = true` to do without";
            Err(reader.report_section(&section, Problem::new("no check", cure)))
        }
        (false, true) => {
            let problem = Problem::new("there is a check beside it", "remove the check or `none = true`");
            Err(reader.report(&section, "none", problem))
        }
    }
}

fn read_http_check<'t>(
    reader: &mut Reader<'t>,
    check: &Section<'t>,
    timing: Option<&Heartbeat>,
) -> Read<Option<HttpCheck>> {
    let http = reader.section(check, "http")?;
    if !http.is_present() {
        return Ok(None);
    }
    let port = reader.integer(&http, "port");
    let path = reader.text(&http, "path");
    let timeout = reader.optional_duration(&http, "timeout");
    let timeout = timeout?.or(timing.map(patience_of_a_check)).ok_or(Reported);
    Ok(Some(HttpCheck {
        port: port?,
        path: path?,
        timeout: timeout?,
    }))
}

fn read_tcp_check<'t>(
    reader: &mut Reader<'t>,
    check: &Section<'t>,
    timing: Option<&Heartbeat>,
) -> Read<Option<TcpCheck>> {
    let tcp = reader.section(check, "tcp")?;
    if !tcp.is_present() {
        return Ok(None);
    }
    let port = reader.integer(&tcp, "port");
    let timeout = reader.optional_duration(&tcp, "timeout");
    let timeout = timeout?.or(timing.map(patience_of_a_check)).ok_or(Reported);
    Ok(Some(TcpCheck {
        port: port?,
        timeout: timeout?,
    }))
}

fn read_command_check<'t>(reader: &mut Reader<'t>, check: &Section<'t>) -> Read<Option<CommandCheck>> {
    let command = reader.section(check, "command")?;
    if !command.is_present() {
        return Ok(None);
    }
    let program = reader.text(&command, "program");
    let timeout = reader.duration(&command, "timeout");
    let interval = reader.duration(&command, "interval");
    Ok(Some(CommandCheck {
        program: program?.into(),
        timeout: timeout?,
        interval: interval?,
    }))
}

fn read_probe<'t>(reader: &mut Reader<'t>, root: &Section<'t>, timing: Option<&Heartbeat>) -> Read<Option<Probe>> {
    let section = reader.section(root, "probe")?;
    let http = reader.section(&section, "http");
    let none = reader.flag(&section, "none");
    let probe = http.and_then(|http| {
        if !http.is_present() {
            return Ok(None);
        }
        let port = reader.integer(&http, "port");
        let path = reader.text(&http, "path");
        let expect = reader.text(&http, "expect");
        let timeout = reader.optional_duration(&http, "timeout");
        let timeout = timeout.and_then(|timeout| read_probe_timeout(reader, &http, timeout, timing.ok_or(Reported)?));
        let expect = StatusRange::parse(&expect?).expect("the schema gives the syntax of a status");
        Ok(Some(Probe {
            port: port?,
            path: path?,
            timeout: timeout?,
            expect,
        }))
    });
    let (probe, none) = (probe?, none?);
    match (&probe, none) {
        (Some(_), false) | (None, true) => Ok(probe),
        (None, false) => {
            let problem = Problem::new("no probe", "add `http`, or `none = true` to do without");
            Err(reader.report_section(&section, problem))
        }
        (Some(_), true) => {
            let problem = Problem::new("there is a probe beside it", "remove the probe or `none = true`");
            Err(reader.report(&section, "none", problem))
        }
    }
}

fn read_probe_timeout<'t>(
    reader: &mut Reader<'t>,
    http: &Section<'t>,
    written: Option<Duration>,
    timing: &Heartbeat,
) -> Read<Duration> {
    let longest = timing.holdtime - timing.interval * INTERVALS_BEFORE_PROBE;
    match written {
        None => Ok(half_the_holdtime(timing).min(longest)),
        Some(timeout) if timeout <= longest => Ok(timeout),
        Some(timeout) => {
            let problem = Problem::new(
                format!(
                    "{} is longer than the holdtime of {} less 2 intervals of {}",
                    duration::format(timeout),
                    duration::format(timing.holdtime),
                    duration::format(timing.interval),
                ),
                format!("write at most \"{}\"", duration::format(longest)),
            );
            Err(reader.report(http, "timeout", problem))
        }
    }
}

fn read_takeover<'t>(reader: &mut Reader<'t>, root: &Section<'t>, timing: Option<&Heartbeat>) -> Read<Takeover> {
    let section = reader.section(root, "takeover")?;
    let lost_contact_takeover = reader.duration(&section, "lost_contact_takeover");
    let unfit_delay = reader.duration(&section, "unfit_delay");
    let refit = reader.duration(&section, "refit");
    let restart_grace = reader.duration(&section, "restart_grace");
    let strict = reader.flag(&section, "strict");
    let preempt_delay = reader.optional_duration(&section, "preempt_delay");
    let lost_contact_takeover = lost_contact_takeover?;
    if let Some(timing) = timing.filter(|timing| lost_contact_takeover < timing.holdtime) {
        let holdtime = duration::format(timing.holdtime);
        let problem = Problem::new(
            format!(
                "{} is shorter than the holdtime of {holdtime}",
                duration::format(lost_contact_takeover)
            ),
            format!("write at least \"{holdtime}\""),
        );
        return Err(reader.report(&section, "lost_contact_takeover", problem));
    }
    Ok(Takeover {
        lost_contact_takeover,
        unfit_delay: unfit_delay?,
        refit: refit?,
        restart_grace: restart_grace?,
        strict: strict?,
        preempt_delay: preempt_delay?,
    })
}

fn read_security<'t>(reader: &mut Reader<'t>, root: &Section<'t>) -> Read<Security> {
    let section = reader.section(root, "security")?;
    let key_file = reader.optional_text(&section, "key_file");
    let insecure = reader.flag(&section, "insecure_no_key");
    match (key_file?, insecure?) {
        (Some(path), false) => Ok(Security::KeyFile(path.into())),
        (None, true) => Ok(Security::InsecureNoKey),
        (None, false) => {
            let problem = Problem::new("no key", "add `key_file`, or `insecure_no_key = true` to do without");
            Err(reader.report_section(&section, problem))
        }
        (Some(_), true) => {
            let problem = Problem::new("there is a `key_file` beside it", "remove one of the two");
            Err(reader.report(&section, "insecure_no_key", problem))
        }
    }
}

fn read_witness<'t>(
    reader: &mut Reader<'t>,
    root: &Section<'t>,
    nodes: Option<&[Node; 2]>,
    timing: Option<&Heartbeat>,
) -> Read<Option<Witness>> {
    let section = reader.section(root, "witness")?;
    if !section.is_present() {
        return Ok(None);
    }
    let addresses = reader.texts(&section, "addresses");
    let port = reader.integer(&section, "port");
    let key_file = reader.text(&section, "key_file");
    let required = reader.flag(&section, "required");
    let isolation_grace = reader.duration(&section, "isolation_grace");
    let (addresses, required, isolation_grace) = (addresses?, required?, isolation_grace?);
    let addresses: Vec<SocketAddr> = addresses
        .iter()
        .map(|address| address.parse().expect("the schema gives the syntax of an endpoint"))
        .collect();
    check_witnesses(reader, &section, &addresses, nodes)?;
    if required && addresses.is_empty() {
        let problem = Problem::new(
            "there is no witness that could answer",
            "add `addresses`, or remove `required`",
        );
        return Err(reader.report(&section, "required", problem));
    }
    if let Some(timing) = timing.filter(|timing| isolation_grace < timing.holdtime) {
        let holdtime = duration::format(timing.holdtime);
        let problem = Problem::new(
            format!(
                "{} is shorter than the holdtime of {holdtime}",
                duration::format(isolation_grace)
            ),
            format!("write at least \"{holdtime}\""),
        );
        return Err(reader.report(&section, "isolation_grace", problem));
    }
    Ok(Some(Witness {
        addresses,
        port: port?,
        key_file: key_file?.into(),
        required,
        isolation_grace,
    }))
}

fn check_witnesses<'t>(
    reader: &mut Reader<'t>,
    section: &Section<'t>,
    addresses: &[SocketAddr],
    nodes: Option<&[Node; 2]>,
) -> Read<()> {
    let nodes = || nodes.into_iter().flatten();
    let is_node = |address: &SocketAddr| nodes().any(|node| node.address == address.ip());
    let is_far = |address: &SocketAddr| nodes().any(|node| node.address.is_ipv4() != address.is_ipv4());
    for (index, address) in addresses.iter().enumerate() {
        let problem = if addresses[..index].contains(address) {
            Problem::new(format!("{address} is there twice"), "write each witness once")
        } else if is_node(address) {
            Problem::new(
                format!("{address} is a node of this pair"),
                "write a third host: a node is no witness of its own pair",
            )
        } else if is_far(address) {
            Problem::new(
                format!("{address} is of another family than the addresses of the nodes"),
                "write an address that they can send to from their own",
            )
        } else {
            continue;
        };
        return Err(reader.report(section, "addresses", problem));
    }
    Ok(())
}

fn read_ec2<'t>(reader: &mut Reader<'t>, root: &Section<'t>) -> Read<Ec2> {
    let section = reader.section(root, "ec2")?;
    let region = reader.optional_text(&section, "region");
    let endpoint = reader.optional_text(&section, "endpoint");
    let imds_endpoint = reader.optional_text(&section, "imds_endpoint");
    let call_timeout = reader.duration(&section, "call_timeout");
    Ok(Ec2 {
        region: region?,
        endpoint: endpoint?,
        imds_endpoint: imds_endpoint?,
        call_timeout: call_timeout?,
    })
}

fn read_readiness_interval<'t>(reader: &mut Reader<'t>, root: &Section<'t>) -> Read<Duration> {
    let section = reader.section(root, "readiness")?;
    reader.duration(&section, "interval")
}

fn read_notices<'t>(reader: &mut Reader<'t>, root: &Section<'t>) -> Read<Option<Policy>> {
    let section = reader.section(root, "notices")?;
    let [spot, autoscaling, maintenance, rebalance] = ["spot", "autoscaling", "maintenance", "rebalance"].map(|name| {
        let named = reader.text(&section, name)?;
        Ok(Response::named(&named).expect("the schema lists the responses"))
    });
    let maintenance_lead = reader.duration(&section, "maintenance_lead");
    let none = reader.flag(&section, "none");
    let policy = Policy {
        spot: spot?,
        autoscaling: autoscaling?,
        maintenance: maintenance?,
        maintenance_lead: maintenance_lead?,
        rebalance: rebalance?,
    };
    Ok((!none?).then_some(policy))
}

fn read_control_socket<'t>(reader: &mut Reader<'t>, root: &Section<'t>) -> Read<String> {
    let section = reader.section(root, "control")?;
    reader.text(&section, "socket")
}

fn read_state_directory<'t>(reader: &mut Reader<'t>, root: &Section<'t>) -> Read<String> {
    let section = reader.section(root, "state")?;
    reader.text(&section, "directory")
}

fn read_metrics<'t>(reader: &mut Reader<'t>, root: &Section<'t>) -> Read<Option<SocketAddr>> {
    let section = reader.section(root, "metrics")?;
    let listen = reader.optional_text(&section, "listen");
    let none = reader.flag(&section, "none");
    match (listen?, none?) {
        (None, true) => Ok(None),
        (listen, false) => {
            let listen = listen.as_deref().unwrap_or(METRICS_LISTEN);
            Ok(Some(listen.parse().expect("the schema gives the syntax of a listener")))
        }
        (Some(_), true) => {
            let problem = Problem::new("there is a `listen` beside it", "remove one of the two");
            Err(reader.report(&section, "none", problem))
        }
    }
}

fn read_hooks<'t>(reader: &mut Reader<'t>, root: &Section<'t>) -> Read<Hooks> {
    let section = reader.section(root, "hooks")?;
    let directory = reader.text(&section, "directory");
    let timeout = reader.duration(&section, "timeout");
    Ok(Hooks {
        directory: directory?.into(),
        timeout: timeout?,
    })
}

fn read_log<'t>(reader: &mut Reader<'t>, root: &Section<'t>) -> Read<Log> {
    let section = reader.section(root, "log")?;
    let format = reader.text(&section, "format");
    let level = reader.text(&section, "level");
    Ok(Log {
        format: LogFormat::named(&format?).expect("the schema lists the formats"),
        level: LogLevel::named(&level?).expect("the schema lists the levels"),
    })
}

/// The `N` tables there must be; the complaint about another number stands at the first one too many.
fn exactly<'t, T, const N: usize>(
    reader: &mut Reader<'t>,
    root: &Section<'t>,
    name: &str,
    why: &str,
    sections: &[Section<'t>],
    read: Vec<T>,
) -> Read<[T; N]> {
    let count = read.len();
    read.try_into().map_err(|_| {
        let problem = Problem::new(
            format!("written {}, but {why}", times(count)),
            format!("write [[{name}]] exactly {}", times(N)),
        );
        match sections.get(N) {
            Some(excess) => reader.report_section(excess, problem),
            None => reader.report(root, name, problem),
        }
    })
}

pub(super) fn advice_for_node(nodes: &[Node; 2], name: &str) -> String {
    let [first, second] = nodes.each_ref().map(|node| node.name.as_str());
    match nearest(name, [first, second].into_iter()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("write \"{first}\" or \"{second}\""),
    }
}

/// A node that hangs is replaced after this, `unfit_delay`, and an interval or two. One late answer costs nothing: each good one
/// ends an unfitness, and only what has lasted for `unfit_delay` moves the address.
fn patience_of_a_check(timing: &Heartbeat) -> Duration {
    (timing.holdtime / 5).max(SHORTEST_PATIENCE)
}

fn half_the_holdtime(timing: &Heartbeat) -> Duration {
    timing.holdtime / 2
}

/// Where metrics are served unless the file says otherwise: on this host alone (DESIGN §8).
const METRICS_LISTEN: &str = "127.0.0.1:9694";
/// Heartbeats that must fit in a holdtime (DESIGN §4): one lost datagram must not end it.
const INTERVALS_PER_HOLDTIME: u32 = 3;
/// Suspicion begins after two missed intervals; the probe has what is left of the holdtime (DESIGN §4).
const INTERVALS_BEFORE_PROBE: u32 = 2;
/// The least time between two checks where none is given. A guess: what fails has to last for the `unfit_delay` anyhow, and of HAProxy's
/// death its socket tells at once. What checks cost an idle node (`cargo xtask bench idle`) beside how late a hang is found would settle it.
const SHORTEST_CHECK: Duration = Duration::from_millis(300);
/// The least patience with a check where none is given. A guess: a service on this host answers sooner, unless the host itself has no
/// time, and then both would be late. The longest answers of services that are well, on hosts that are busy, would settle it.
const SHORTEST_PATIENCE: Duration = Duration::from_millis(200);
