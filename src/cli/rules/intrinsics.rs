//! The intrinsic functions of a `CloudFormation` template, as far as they can be answered without it: `Ref`, `Fn::GetAtt`,
//! `Fn::Sub` and `Fn::Join` of parameters, of resources that say their own name, and of values that the caller gives.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Types of resources that are targets or event buses: the property with the name, and the ARN between the account and it.
/// `Ref` gives the ARN for those that are marked, else the name.
const RESOURCES: [(&str, &str, &str, bool); 8] = [
    ("AWS::Events::EventBus", "Name", "events:event-bus/", false),
    ("AWS::Events::Rule", "Name", "events:rule/", false),
    ("AWS::Kinesis::Stream", "Name", "kinesis:stream/", false),
    ("AWS::KinesisFirehose::DeliveryStream", "DeliveryStreamName", "firehose:deliverystream/", false),
    ("AWS::Lambda::Function", "FunctionName", "lambda:function:", false),
    ("AWS::SNS::Topic", "TopicName", "sns:", true),
    ("AWS::SQS::Queue", "QueueName", "sqs:", false),
    ("AWS::StepFunctions::StateMachine", "StateMachineName", "states:stateMachine:", true),
];

/// Answers the functions of one template.
pub(super) struct Resolver<'a> {
    values: HashMap<String, Value>,
    resources: Option<&'a Map<String, Value>>,
    account: &'a str,
    region: &'a str,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(
        template: &'a Map<String, Value>,
        given: &[(String, String)],
        account: &'a str,
        region: &'a str,
    ) -> Self {
        let object = |member: &str| template.get(member).and_then(Value::as_object);
        let defaults = object("Parameters").into_iter().flatten();
        let defaults = defaults.filter_map(|(name, parameter)| Some((name.clone(), parameter.get("Default")?.clone())));
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        let pseudo = [
            ("AWS::AccountId", account),
            ("AWS::Region", region),
            ("AWS::Partition", "aws"),
            ("AWS::URLSuffix", &format!("amazonaws.com{suffix}")),
        ]
        .map(|(name, value)| (name.to_owned(), value.into()));
        let given = given.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
        let values = defaults.chain(pseudo).chain(given).collect();
        Self { values, resources: object("Resources"), account, region }
    }

    /// The value with every function answered.
    ///
    /// # Errors
    /// Which function could not be answered, and what to do.
    pub(super) fn resolve(&self, value: &Value) -> Result<Value, String> {
        match value {
            Value::Array(items) => items.iter().map(|item| self.resolve(item)).collect(),
            Value::Object(members) => match function(members) {
                Some((name, argument)) => self.answer(name, argument),
                None => members.iter().map(|(name, value)| Ok((name.clone(), self.resolve(value)?))).collect(),
            },
            plain => Ok(plain.clone()),
        }
    }

    fn answer(&self, name: &str, argument: &Value) -> Result<Value, String> {
        match (name, argument) {
            ("Ref", Value::String(id)) => self.reference(id),
            ("Fn::GetAtt", Value::String(path)) => self.attribute(path),
            ("Fn::GetAtt", Value::Array(parts)) => {
                let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
                self.attribute(&parts.join("."))
            }
            ("Fn::Sub", Value::String(text)) => self.substitute(text, &Map::new()),
            ("Fn::Sub", Value::Array(parts)) => match &parts[..] {
                [Value::String(text), Value::Object(own)] => self.substitute(text, own),
                _ => Err("Fn::Sub takes a text, or a text and a map".to_owned()),
            },
            ("Fn::Join", Value::Array(parts)) => match &parts[..] {
                [Value::String(between), items] => self.join(between, items),
                _ => Err("Fn::Join takes a text and a list".to_owned()),
            },
            _ => Err(format!("{name} can only be answered by CloudFormation; write its value in its place")),
        }
    }

    fn reference(&self, id: &str) -> Result<Value, String> {
        if let Some(value) = self.values.get(id) {
            return Ok(value.clone());
        }
        match self.named(id)? {
            Some((name, _, false)) => Ok(name.into()),
            Some((_, arn, true)) => Ok(arn.into()),
            None => Err(unknown("Ref", id)),
        }
    }

    fn attribute(&self, path: &str) -> Result<Value, String> {
        if let Some(value) = self.values.get(path) {
            return Ok(value.clone());
        }
        let named = path.strip_suffix(".Arn").map(|id| self.named(id)).transpose()?.flatten();
        named.map(|(_, arn, _)| arn.into()).ok_or_else(|| unknown("Fn::GetAtt", path))
    }

    /// A resource that says its own name: the name, its ARN, and whether `Ref` means that.
    fn named(&self, id: &str) -> Result<Option<(String, String, bool)>, String> {
        let Some(resource) = self.resources.and_then(|resources| resources.get(id)) else { return Ok(None) };
        let kind = resource["Type"].as_str().unwrap_or_default();
        let Some((_, property, place, is_arn)) = RESOURCES.iter().find(|(known, ..)| *known == kind) else {
            return Ok(None);
        };
        let Some(name) = resource["Properties"].get(property) else { return Ok(None) };
        // A name may be made of parameters, but not of other resources: nothing can go around in circles.
        let alone = Self { values: self.values.clone(), resources: None, ..*self };
        let Value::String(name) = alone.resolve(name)? else { return Ok(None) };
        let (service, rest) = place.split_once(':').unwrap_or((place, ""));
        let arn = format!("arn:aws:{service}:{}:{}:{rest}{name}", self.region, self.account);
        Ok(Some((name, arn, *is_arn)))
    }

    /// `${Name}` and `${Name.Attribute}` by their values; `${!Literal}` is `${Literal}`.
    fn substitute(&self, text: &str, own: &Map<String, Value>) -> Result<Value, String> {
        let (mut done, mut rest) = (String::new(), text);
        while let Some((before, behind)) = rest.split_once("${") {
            let (name, after) = behind.split_once('}').ok_or_else(|| format!("'{text}' has a ${{ without its }}"))?;
            done.push_str(before);
            if let Some(literal) = name.strip_prefix('!') {
                done.extend(["${", literal, "}"]);
            } else {
                let value = match own.get(name) {
                    Some(value) => self.resolve(value)?,
                    None if name.contains('.') => self.attribute(name)?,
                    None => self.reference(name)?,
                };
                done.push_str(&text_of(&value));
            }
            rest = after;
        }
        done.push_str(rest);
        Ok(done.into())
    }

    fn join(&self, between: &str, items: &Value) -> Result<Value, String> {
        let Value::Array(items) = self.resolve(items)? else { return Err("Fn::Join takes a list".to_owned()) };
        Ok(items.iter().map(text_of).collect::<Vec<_>>().join(between).into())
    }
}

/// The function that an object is, if it is one.
fn function(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = members.iter().next().filter(|_| members.len() == 1)?;
    (name == "Ref" || name.starts_with("Fn::")).then_some((name, argument))
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn unknown(function: &str, name: &str) -> String {
    format!("{function} {name} is not known here; give it with --value {name}=…")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resolve(value: &Value) -> Result<Value, String> {
        let template = json!({
            "Parameters": {"Stage": {"Type": "String", "Default": "test"}, "Open": {"Type": "String"}},
            "Resources": {
                "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "orders-${Stage}"}}},
                "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "t"}},
                "Nameless": {"Type": "AWS::SQS::Queue"},
                "Circle": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Circle"}}},
                "Other": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "b"}},
            },
        });
        let given = [("Role.Arn".to_owned(), "arn:role".to_owned())];
        Resolver::new(template.as_object().unwrap(), &given, "111122223333", "eu-west-1").resolve(value)
    }

    #[test]
    fn what_can_be_known_is_answered() {
        for (value, expected) in [
            (json!({"Ref": "Stage"}), json!("test")),
            (json!({"Ref": "AWS::Region"}), json!("eu-west-1")),
            (json!({"Ref": "Queue"}), json!("orders-test")),
            (json!({"Ref": "Topic"}), json!("arn:aws:sns:eu-west-1:111122223333:t")),
            (json!({"Fn::GetAtt": ["Queue", "Arn"]}), json!("arn:aws:sqs:eu-west-1:111122223333:orders-test")),
            (json!({"Fn::GetAtt": "Role.Arn"}), json!("arn:role")),
            (
                json!({"Fn::Sub": "${Queue.Arn}/${!x}/${AWS::AccountId}"}),
                json!("arn:aws:sqs:eu-west-1:111122223333:orders-test/${x}/111122223333"),
            ),
            (json!({"Fn::Sub": ["${a}${Stage}", {"a": {"Ref": "Stage"}}]}), json!("testtest")),
            (json!({"Fn::Join": ["-", ["a", {"Ref": "Stage"}, 1]]}), json!("a-test-1")),
            (json!({"a": [{"Ref": "Stage"}, 1], "Ref": "x"}), json!({"a": ["test", 1], "Ref": "x"})),
        ] {
            assert_eq!(resolve(&value), Ok(expected), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_known_is_named() {
        for (value, named) in [
            (json!({"Ref": "Open"}), "--value Open="),
            (json!({"Ref": "Nowhere"}), "--value Nowhere="),
            (json!({"Fn::GetAtt": ["Nameless", "Arn"]}), "--value Nameless.Arn="),
            (json!({"Fn::GetAtt": "Other.Arn"}), "--value Other.Arn="),
            (json!({"Ref": "Circle"}), "--value Circle="),
            (json!({"Fn::ImportValue": "x"}), "Fn::ImportValue"),
            (json!({"Fn::Sub": "${Stage"}), "without its }"),
            (json!({"Fn::Join": "x"}), "Fn::Join"),
        ] {
            let why = resolve(&value).unwrap_err();
            assert!(why.contains(named), "{value}: {why}");
        }
    }
}
