//! Inspector Classic: an assessment run is started.

use super::call::{Call, Service, members};

const INSPECTOR: Service = Service { prefix: "inspector", name: "inspector" };

/// `StartAssessmentRun`. The input of the target, if it has one, may hold `assessmentRunName`; the event itself is not passed.
///
/// # Errors
/// When the input is no JSON object.
pub(super) fn start_assessment_run(template_arn: &str, input: Option<&str>) -> Result<Call, String> {
    let mut members = members(input)?;
    members.insert("assessmentTemplateArn".to_owned(), template_arn.into());
    Ok(Call::json_1_1(INSPECTOR, "InspectorService.StartAssessmentRun", &members.into()))
}
