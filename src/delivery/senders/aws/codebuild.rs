//! `CodeBuild`: a build of the project is started.

use super::Call;
use super::call::{Service, members};

const CODEBUILD: Service = Service { prefix: "codebuild", name: "codebuild" };

/// `StartBuild`. The input of the target, if it has one, is what the build is to override; the event itself is not passed.
///
/// # Errors
/// When the input is no JSON object.
pub(super) fn start_build(project: &str, token: &str, input: Option<&str>) -> Result<Call, String> {
    let mut members = members(input)?;
    members.entry("idempotencyToken").or_insert_with(|| token.into());
    members.insert("projectName".to_owned(), project.into());
    Ok(Call::json_1_1(CODEBUILD, "CodeBuild_20161006.StartBuild", &members.into()))
}
