//! What a world is built with.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use pair_core::{Config, Member, Version, Witnessing};

/// What the configuration file of a host says beside the settings of its world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tuning {
    /// The settings of the world.
    #[default]
    Own,
    /// Hasty in everything: the fast profile, and short waits before a takeover.
    Hasty,
    /// The calm profile, and no preemption.
    Calm,
}

/// The settings of a world: those of both nodes, and how the world around them behaves in good times.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The member that takes an address that nobody holds first.
    pub preferred: Member,
    /// How often heartbeats are sent.
    pub interval: Duration,
    /// The silence after which a peer is presumed dead.
    pub holdtime: Duration,
    /// How long one probe may take; `None` for a pair without a probe.
    pub probe_timeout: Option<Duration>,
    /// How long a peer that served must show no life.
    pub lost_contact_takeover: Duration,
    /// How long a peer must be unfit.
    pub unfit_delay: Duration,
    /// How long a node that failed while it held must be fit.
    pub refit: Duration,
    /// How long one EC2 call may take.
    pub call_timeout: Duration,
    /// How long both must have been well before the preferred member takes the address back.
    pub preempt_delay: Option<Duration>,
    /// Whether the address is taken by compare-and-set.
    pub strict: bool,
    /// How long the restart of an agent may take.
    pub restart_grace: Duration,
    /// How many witnesses there are, and what their silence means.
    pub witnesses: Witnessing,
    /// The time from one host to another: least and most.
    pub delay: (Duration, Duration),
    /// The time from a request to EC2 to its reply: least and most.
    pub api_latency: (Duration, Duration),
    /// How long IMDS shows an association that has changed.
    pub imds_lag: Duration,
    /// How often a node asks its own service.
    pub check_every: Duration,
    /// How late a wake-up comes at most.
    pub wake_late: Duration,
    /// Whether probes reach the other node's private address, or a security group has always dropped them.
    pub probes_arrive: bool,
    /// Whether the host of a dead agent answers heartbeats with "port unreachable".
    pub icmp: bool,
    /// Whether the members are found by their tag: an instance that replaces another has a private IP of its own, and is neither heard
    /// nor spoken to before it is found.
    pub is_found: bool,
}

impl Default for Settings {
    /// The defaults of paird, 0.5 to 1.5 ms between the nodes (EC2.md: between zones), 40 to 80 ms to the API.
    fn default() -> Self {
        Self {
            preferred: Member::First,
            interval: Duration::from_millis(200),
            holdtime: Duration::from_secs(1),
            probe_timeout: Some(Duration::from_millis(500)),
            lost_contact_takeover: Duration::from_secs(60),
            unfit_delay: Duration::from_secs(1),
            refit: Duration::from_secs(60),
            call_timeout: Duration::from_secs(3),
            preempt_delay: None,
            strict: false,
            restart_grace: Duration::from_secs(10),
            witnesses: Witnessing {
                count: 0,
                isolation_grace: Duration::from_secs(10),
                required: false,
            },
            delay: (Duration::from_micros(500), Duration::from_micros(1500)),
            api_latency: (Duration::from_millis(40), Duration::from_millis(80)),
            imds_lag: Duration::from_millis(500),
            check_every: Duration::from_millis(200),
            wake_late: Duration::from_millis(1),
            probes_arrive: true,
            icmp: true,
            is_found: false,
        }
    }
}

impl Settings {
    /// The same with so many witnesses.
    #[must_use]
    pub const fn with_witnesses(mut self, count: u8) -> Self {
        self.witnesses.count = count;
        self
    }

    /// The same pair with every long wait made short, so that a random history needs a minute and not an hour.
    #[must_use]
    pub fn hasty() -> Self {
        Self {
            lost_contact_takeover: Duration::from_secs(6),
            refit: Duration::from_secs(4),
            witnesses: Witnessing {
                isolation_grace: Duration::from_secs(3),
                ..Self::default().witnesses
            },
            check_every: Duration::from_millis(500),
            ..Self::default()
        }
    }

    /// The same with what a file says beside them. No wait is longer than that of the world, which bounds what must happen.
    #[must_use]
    pub fn tuned(&self, tuning: Tuning) -> Self {
        match tuning {
            Tuning::Own => self.clone(),
            Tuning::Hasty => Self {
                interval: Duration::from_millis(50),
                holdtime: Duration::from_millis(300),
                probe_timeout: self
                    .probe_timeout
                    .map(|timeout| timeout.min(Duration::from_millis(150))),
                lost_contact_takeover: self.lost_contact_takeover / 6,
                unfit_delay: Duration::ZERO,
                refit: self.refit / 4,
                strict: !self.strict,
                ..self.clone()
            },
            Tuning::Calm => Self {
                interval: Duration::from_millis(500),
                holdtime: Duration::from_secs(3),
                preempt_delay: None,
                ..self.clone()
            },
        }
    }

    /// The configuration of one node.
    #[must_use]
    pub fn config(&self, me: Member) -> Config {
        Config {
            me,
            preferred: self.preferred,
            private_ips: Member::BOTH.map(|member| private_ip(member, 0)),
            interval: self.interval,
            holdtime: self.holdtime,
            probe_timeout: self.probe_timeout,
            lost_contact_takeover: self.lost_contact_takeover,
            unfit_delay: self.unfit_delay,
            refit: self.refit,
            call_timeout: self.call_timeout,
            preempt_delay: self.preempt_delay,
            strict: self.strict,
            restart_grace: self.restart_grace,
            witnesses: self.witnesses,
            version: Version::cut("0.1.0"),
        }
    }
}

/// The private IP on which the address lands at `member`, on the instance after so many that each had one of its own.
pub(crate) fn private_ip(member: Member, generation: u32) -> IpAddr {
    let zone = match member {
        Member::First => 1,
        Member::Second => 2,
    };
    let last = u8::try_from(generation % 200).unwrap_or_default() + 10;
    IpAddr::V4(Ipv4Addr::new(10, 0, zone, last))
}
