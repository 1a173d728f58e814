//! Which ARNs and blocks are targets, and what becomes of them.

use super::*;
use crate::name::TargetId;
use crate::target::{SqsParameters, TargetKind};

fn target(arn: &str) -> Target {
    let role_arn = Some("arn:aws:iam::123456789012:role/r".to_owned());
    Target { role_arn, ..Target::new(TargetId::parse("t-1").unwrap(), arn) }
}

fn shown(target: &Target) -> String {
    match target.compile() {
        Ok(compiled) => match compiled.kind {
            TargetKind::Aws(AwsTarget { region, resource }) => format!("{region} {resource:?}"),
            TargetKind::Http { .. } => "http".to_owned(),
            TargetKind::EventBus(bus) => format!("bus {}", bus.name),
            other => format!("{other:?}"),
        },
        Err(error) => error.message,
    }
}

#[test]
fn each_service_is_read_from_its_arn() {
    for (arn, kind) in [
        ("arn:aws:sqs:us-east-1:123456789012:orders", "us-east-1 SqsQueue"),
        ("arn:aws-cn:sns:cn-north-1:123456789012:orders", "cn-north-1 SnsTopic"),
        ("arn:aws:lambda:us-east-1:123456789012:function:f:live", "us-east-1 LambdaFunction"),
        ("arn:aws:kinesis:us-east-1:123456789012:stream/s", "us-east-1 KinesisStream"),
        ("arn:aws:firehose:us-east-1:123456789012:deliverystream/s", "us-east-1 FirehoseStream"),
        ("arn:aws:states:us-east-1:123456789012:stateMachine:m", "us-east-1 StateMachine"),
        ("arn:aws:codebuild:us-east-1:123456789012:project/p", "us-east-1 BuildProject"),
        ("arn:aws:codepipeline:us-east-1:123456789012:p.1", "us-east-1 Pipeline"),
        (
            "arn:aws:ssm:us-east-1:123456789012:automation-definition/d:$LATEST",
            r#"us-east-1 AutomationDocument { name: "d", version: Some("$LATEST") }"#,
        ),
        (
            "arn:aws:ssm:us-east-1:123456789012:automation-definition/d",
            r#"us-east-1 AutomationDocument { name: "d", version: None }"#,
        ),
        ("arn:aws:inspector:us-east-1:123456789012:target/0-a/template/0-b", "us-east-1 AssessmentTemplate"),
        ("arn:aws:sns:us-east-1:123456789012:orders", "us-east-1 SnsTopic"),
        ("arn:aws:logs:us-east-1:123456789012:log-group:/a/b:*", r#"us-east-1 LogGroup { name: "/a/b" }"#),
    ] {
        assert!(shown(&target(arn)).starts_with(kind), "{arn}: {}", shown(&target(arn)));
    }
}

#[test]
fn other_arns_are_refused() {
    let format = "Provided Arn is not in correct format.";
    for (arn, reason) in [
        ("arn:aws:sqs", format),
        ("arn:aws:sqs:us-east-1:12:q", format),
        ("arn:aws:sqs:us-east-1:123456789012:a/b", format),
        ("arn:aws:sqs:us-east-1:123456789012:", format),
        ("arn:aws:lambda:us-east-1:123456789012:layer:f", format),
        ("arn:aws:lambda:us-east-1:123456789012:function:", format),
        ("arn:aws:lambda:us-east-1:123456789012:function:a/../b", format),
        ("arn:aws:lambda:us-east-1:123456789012:function:a?b", format),
        ("arn:aws:codepipeline:us-east-1:123456789012:a:b", format),
        ("arn:aws:sqs:us-east-1::orders", format),
        ("arn:aws:ssm:us-east-1::automation-definition/d", format),
        ("arn:aws:events:us-east-1:123456789012:target/start-instances", format),
        ("arn:aws:inspector:us-east-1:123456789012:target/0-a", format),
        ("arn:aws:kinesis:US:123456789012:stream/s", format),
        (
            "arn:aws:appsync:us-east-1:123456789012:apis/x",
            "eventyard cannot deliver to 'appsync' yet; docs/targets lists what it can.",
        ),
    ] {
        assert_eq!(shown(&target(arn)), format!("Parameter {arn} is not valid. Reason: {reason}"));
    }
}

fn block(members: Value) -> ParameterBlock {
    let Value::Object(members) = members else { panic!("{members}") };
    ParameterBlock::new(members)
}

#[test]
fn blocks_become_members_of_the_call() {
    let cluster = target("arn:aws:ecs:us-east-1:123456789012:cluster/c");
    assert_eq!(shown(&cluster), "Parameter(s) EcsParameters must be specified for target: t-1.");
    let network = json!({ "awsvpcConfiguration": { "Subnets": ["s"], "AssignPublicIp": "ENABLED" } });
    let ecs = json!({
        "TaskDefinitionArn": "d", "EnableECSManagedTags": true, "NetworkConfiguration": network,
        "Tags": [{ "Key": "K", "Value": "V" }], "PlacementStrategy": [{ "type": "spread" }],
    });
    let ecs = Target { ecs_parameters: Some(block(ecs)), ..cluster };
    let TargetKind::Aws(AwsTarget { resource: AwsResource::EcsCluster { task }, .. }) = ecs.compile().unwrap().kind
    else {
        panic!("{}", shown(&ecs))
    };
    let expected = json!({
        "cluster": ecs.arn, "taskDefinition": "d", "count": 1, "enableECSManagedTags": true,
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["s"], "assignPublicIp": "ENABLED" } },
        "tags": [{ "key": "K", "value": "V" }], "placementStrategy": [{ "type": "spread" }],
    });
    assert_eq!(Value::Object(task), expected);

    let queue = target("arn:aws:batch:us-east-1:123456789012:job-queue/q");
    assert_eq!(shown(&queue), "Parameter(s) BatchParameters must be specified for target: t-1.");
    let batch = json!({ "JobDefinition": "d", "JobName": "n", "ArrayProperties": { "Size": 2 } });
    let batch = Target { batch_parameters: Some(block(batch)), ..queue };
    let TargetKind::Aws(AwsTarget { resource: AwsResource::JobQueue { job }, .. }) = batch.compile().unwrap().kind
    else {
        panic!("{}", shown(&batch))
    };
    let expected =
        json!({ "jobQueue": batch.arn, "jobDefinition": "d", "jobName": "n", "arrayProperties": { "size": 2 } });
    assert_eq!(Value::Object(job), expected);
}

#[test]
fn documents_are_run_on_machines_that_are_named() {
    let owned = target("arn:aws:ssm:us-east-1::document/AWS-RunShellScript");
    // Amazon's service has no blank before the id in this one.
    assert_eq!(shown(&owned), "Parameter RunCommandParameters is not valid for targett-1.");
    let machines = block(json!({ "RunCommandTargets": [{ "Key": "InstanceIds", "Values": ["i-1"] }] }));
    for (arn, name) in [
        ("arn:aws:ssm:us-east-1::document/AWS-RunShellScript", r#"name: "AWS-RunShellScript""#),
        ("arn:aws:ssm:us-east-1:123456789012:document/d", r#"name: "arn:aws:ssm:us-east-1:123456789012:document/d""#),
    ] {
        let shown = shown(&Target { run_command_parameters: Some(machines.clone()), ..target(arn) });
        assert!(shown.contains(name) && shown.contains("InstanceIds"), "{shown}");
    }
}

#[test]
fn built_in_calls_need_an_input_that_names_what_is_acted_on() {
    let stop = target("arn:aws:events:us-east-1:123456789012:target/stop-instances");
    assert!(shown(&stop).ends_with("the input has to name what is acted on, and the event does not."));
    let with = |input: &str| shown(&Target { input: Some(input.to_owned()), ..stop.clone() });
    assert_eq!(with(r#""i-1""#), "us-east-1 Ec2(StopInstances)");
    assert!(with(r#""vol-1""#).starts_with("Parameter Input is not valid for target t-1. Reason: "));
    let path = Some("$.detail.instance-id".to_owned());
    assert_eq!(shown(&Target { input_path: path, ..stop.clone() }), "us-east-1 Ec2(StopInstances)");
}

#[test]
fn dead_letters_go_to_standard_queues() {
    let with = |arn: &str| shown(&Target { dead_letter_arn: Some(arn.to_owned()), ..target("http://h/") });
    assert_eq!(with("arn:aws:sqs:us-east-1:123456789012:dead"), "http");
    for arn in ["arn:aws:sqs:us-east-1:123456789012:dead.fifo", "arn:aws:sns:us-east-1:123456789012:dead"] {
        assert!(with(arn).ends_with("A dead-letter queue is a standard SQS queue."), "{arn}");
    }
    assert!(with("dead").ends_with("Provided Arn is not in correct format."));
}

#[test]
fn blocks_belong_to_their_kind() {
    let sqs = Some(SqsParameters { message_group_id: Some("g".to_owned()) });
    let queue = "arn:aws:sqs:us-east-1:123456789012:orders";
    let fifo = Target { sqs_parameters: sqs.clone(), ..target(&format!("{queue}.fifo")) };
    assert!(shown(&fifo).contains(r#"message_group_id: Some("g")"#));
    assert_eq!(
        shown(&Target { sqs_parameters: None, ..fifo }),
        "Parameter(s) SqsParameters must be specified for target: t-1."
    );
    let not_valid = "Parameter SqsParameters is not valid for target t-1.";
    for arn in ["http://h/", "arn:aws:sns:us-east-1:123456789012:orders"] {
        assert_eq!(shown(&Target { sqs_parameters: sqs.clone(), ..target(arn) }), not_valid, "{arn}");
    }
    let kinesis = Some(KinesisParameters { partition_key_path: "$.[".to_owned() });
    let stream = Target { kinesis_parameters: kinesis, ..target("arn:aws:kinesis:us-east-1:123456789012:stream/s") };
    assert_eq!(shown(&stream), "Parameter KinesisParameters is not valid for target t-1.");
    let machine = "arn:aws:states:us-east-1:123456789012:stateMachine:m";
    let project = "arn:aws:codebuild:us-east-1:123456789012:project/p";
    for arn in [machine, project, "arn:aws:codepipeline:us-east-1:123456789012:p"] {
        let refusal = format!("RoleArn is required for target {arn}.");
        assert_eq!(shown(&Target { role_arn: None, ..target(arn) }), refusal);
    }
}
