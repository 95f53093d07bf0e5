//! An instance as EC2's status checks see it.

use aws_sdk_ec2::types;

/// Tells whether an instance exists, runs and answers, as one `DescribeInstanceStatus` said.
///
/// Useless as a failure detector (the checks run each minute and lag), good as testimony: a holder that
/// EC2 calls stopped cannot be serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceHealth {
    /// Where the instance is in its life.
    pub state: InstanceState,
    /// What EC2's own reachability checks say.
    pub reachability: Reachability,
}

/// Names the stages of an instance's life (EC2 User Guide, "Instance lifecycle").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstanceState {
    /// Being started.
    Pending,
    /// Running, as far as the hypervisor knows.
    Running,
    /// On its way to stopped.
    Stopping,
    /// Stopped. It keeps its addresses and can come back.
    Stopped,
    /// On its way to terminated.
    ShuttingDown,
    /// Gone for good; reported for about an hour, then the id is unknown.
    Terminated,
    /// A word this version does not know. Proves nothing.
    Unknown,
}

/// Sums up the two reachability checks, of the host under the instance and of the instance itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reachability {
    /// Both checks pass.
    Passed,
    /// At least one check fails.
    Failed,
    /// Neither: still initializing, not enough data, not running.
    Unknown,
}

impl InstanceHealth {
    pub(crate) fn from_sdk(status: &types::InstanceStatus) -> Self {
        let state = status
            .instance_state()
            .and_then(types::InstanceState::name)
            .map_or(InstanceState::Unknown, InstanceState::from_sdk);
        let checks = [
            reachability(status.system_status()),
            reachability(status.instance_status()),
        ];
        Self {
            state,
            reachability: Reachability::sum(checks),
        }
    }
}

impl InstanceState {
    pub(crate) fn from_sdk(name: &types::InstanceStateName) -> Self {
        match name {
            types::InstanceStateName::Pending => Self::Pending,
            types::InstanceStateName::Running => Self::Running,
            types::InstanceStateName::Stopping => Self::Stopping,
            types::InstanceStateName::Stopped => Self::Stopped,
            types::InstanceStateName::ShuttingDown => Self::ShuttingDown,
            types::InstanceStateName::Terminated => Self::Terminated,
            // The SDK's enum is open: a word it does not know itself ends here, too.
            _ => Self::Unknown,
        }
    }
}

impl Reachability {
    fn sum(checks: [Self; 2]) -> Self {
        if checks.contains(&Self::Failed) {
            Self::Failed
        } else if checks == [Self::Passed; 2] {
            Self::Passed
        } else {
            Self::Unknown
        }
    }
}

fn reachability(summary: Option<&types::InstanceStatusSummary>) -> Reachability {
    let check = summary.and_then(|summary| {
        summary
            .details()
            .iter()
            .find(|detail| detail.name() == Some(&types::StatusName::Reachability))
    });
    match check.and_then(types::InstanceStatusDetails::status) {
        Some(types::StatusType::Passed) => Reachability::Passed,
        Some(types::StatusType::Failed) => Reachability::Failed,
        // Initializing, insufficient data, absent, or a word that is not known: no verdict.
        _ => Reachability::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(status: types::StatusType) -> types::InstanceStatusSummary {
        types::InstanceStatusSummary::builder()
            .details(
                types::InstanceStatusDetails::builder()
                    .name(types::StatusName::Reachability)
                    .status(status)
                    .build(),
            )
            .build()
    }

    fn health(system: types::StatusType, instance: types::StatusType) -> Reachability {
        let status = types::InstanceStatus::builder()
            .system_status(summary(system))
            .instance_status(summary(instance))
            .build();
        InstanceHealth::from_sdk(&status).reachability
    }

    #[test]
    fn one_failed_check_is_a_failure_and_doubt_is_unknown() {
        use types::StatusType::{Failed, Initializing, Passed};
        assert_eq!(health(Passed, Passed), Reachability::Passed);
        assert_eq!(health(Passed, Failed), Reachability::Failed);
        assert_eq!(health(Failed, Initializing), Reachability::Failed);
        assert_eq!(health(Passed, Initializing), Reachability::Unknown);
    }

    #[test]
    fn an_answer_without_checks_or_state_proves_nothing() {
        let health = InstanceHealth::from_sdk(&types::InstanceStatus::builder().build());
        assert_eq!(health.state, InstanceState::Unknown);
        assert_eq!(health.reachability, Reachability::Unknown);
    }

    #[test]
    fn a_state_of_tomorrow_is_unknown() {
        assert_eq!(
            InstanceState::from_sdk(&types::InstanceStateName::from("hibernating")),
            InstanceState::Unknown
        );
    }
}
