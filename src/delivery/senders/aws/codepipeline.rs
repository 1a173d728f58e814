//! `CodePipeline`: the pipeline is started.

use super::Call;
use super::call::{Service, members};

const CODEPIPELINE: Service = Service { prefix: "codepipeline", name: "codepipeline" };

/// `StartPipelineExecution`. The input of the target, if it has one, holds variables and revisions of sources; the event
/// itself is not passed.
///
/// # Errors
/// When the input is no JSON object.
pub(super) fn start_pipeline_execution(pipeline: &str, token: &str, input: Option<&str>) -> Result<Call, String> {
    let mut members = members(input)?;
    members.entry("clientRequestToken").or_insert_with(|| token.into());
    members.insert("name".to_owned(), pipeline.into());
    Ok(Call::json_1_1(CODEPIPELINE, "CodePipeline_20150709.StartPipelineExecution", &members.into()))
}
