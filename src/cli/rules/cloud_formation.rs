//! Rules of a `CloudFormation` template.

use serde_json::{Map, Value};

use super::ImportArguments;
use super::intrinsics::Resolver;
use super::source::DeclaredRule;

/// The type of the resources that are read; all others only lend their names.
const RULE: &str = "AWS::Events::Rule";

/// Members that the template and the API call differently, by where they stand: the template's name, then the API's.
const RENAMED: [(&[&str], &str, &str); 9] = [
    (&["EcsParameters"], "TagList", "Tags"),
    (&["EcsParameters", "NetworkConfiguration"], "AwsVpcConfiguration", "awsvpcConfiguration"),
    (&["EcsParameters", "CapacityProviderStrategy"], "CapacityProvider", "capacityProvider"),
    (&["EcsParameters", "CapacityProviderStrategy"], "Weight", "weight"),
    (&["EcsParameters", "CapacityProviderStrategy"], "Base", "base"),
    (&["EcsParameters", "PlacementConstraints"], "Type", "type"),
    (&["EcsParameters", "PlacementConstraints"], "Expression", "expression"),
    (&["EcsParameters", "PlacementStrategies"], "Type", "type"),
    (&["EcsParameters", "PlacementStrategies"], "Field", "field"),
];

/// The rules of a template, with all that can be known without `CloudFormation` in its place.
///
/// # Errors
/// Where something stands that cannot be known, and what to give in its place.
pub(super) fn rules(template: &Map<String, Value>, arguments: &ImportArguments) -> Result<Vec<DeclaredRule>, String> {
    let resolver = Resolver::new(template, &arguments.values, &arguments.account, &arguments.api.region);
    let resources = template.get("Resources").and_then(Value::as_object);
    let mut rules = Vec::new();
    for (id, resource) in resources.into_iter().flatten().filter(|(_, resource)| resource["Type"] == RULE) {
        if resource.get("Condition").is_some() {
            return Err(format!("{id} has a Condition; take it out of the template, or the resource"));
        }
        let properties = resource.get("Properties").cloned().unwrap_or_default();
        let Value::Object(mut members) = resolver.resolve(&properties).map_err(|why| format!("{id}: {why}"))? else {
            return Err(format!("{id} has no Properties"));
        };
        // CloudFormation would make up a name that ends in random letters.
        members.entry("Name").or_insert_with(|| id.clone().into());
        let mut rule = DeclaredRule::of(members).map_err(|why| format!("{id}: {why}"))?;
        rule.targets.iter_mut().for_each(rename);
        rules.push(rule);
    }
    if rules.is_empty() { Err(format!("it has no resource of the type {RULE}")) } else { Ok(rules) }
}

/// Gives the members of a target the API's names.
fn rename(target: &mut Value) {
    for (path, from, to) in RENAMED {
        let Some(place) = path.iter().try_fold(&mut *target, |value, name| value.get_mut(*name)) else { continue };
        let objects = match place {
            Value::Array(items) => items.iter_mut().collect(),
            one => vec![one],
        };
        for object in objects.into_iter().filter_map(Value::as_object_mut) {
            if let Some(value) = object.remove(from) {
                object.insert(to.to_owned(), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_get_the_names_of_the_api() {
        let mut target = json!({"EcsParameters": {
            "TagList": [{"Key": "a", "Value": "b"}],
            "NetworkConfiguration": {"AwsVpcConfiguration": {"Subnets": ["s"]}},
            "CapacityProviderStrategy": [{"CapacityProvider": "FARGATE", "Weight": 1}],
            "PlacementStrategies": [{"Type": "spread", "Field": "instanceId"}],
        }});
        rename(&mut target);
        let expected = json!({"EcsParameters": {
            "Tags": [{"Key": "a", "Value": "b"}],
            "NetworkConfiguration": {"awsvpcConfiguration": {"Subnets": ["s"]}},
            "CapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}],
            "PlacementStrategies": [{"type": "spread", "field": "instanceId"}],
        }});
        assert_eq!(target, expected);
    }
}
