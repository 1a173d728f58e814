//! EC2: the calls that are built in as targets.

use eventyard_core::target::Ec2Action;

use super::call::{Call, Service};

const EC2: Service = Service { prefix: "ec2", name: "ec2" };

/// `CreateSnapshot`, `RebootInstances`, `StopInstances` or `TerminateInstances`, of what the input names.
///
/// # Errors
/// When it names nothing that the call can be made on.
pub(super) fn act(action: Ec2Action, input: &str) -> Result<Call, String> {
    let resources = action.resources(input)?;
    let names: Vec<String> = match action {
        Ec2Action::CreateSnapshot => vec!["VolumeId".to_owned()],
        _ => (1..=resources.len()).map(|number| format!("InstanceId.{number}")).collect(),
    };
    let members: Vec<(&str, &str)> = names.iter().zip(&resources).map(|(name, id)| (&**name, &**id)).collect();
    Ok(Call::query(EC2, action.operation(), "2016-11-15", &members))
}
