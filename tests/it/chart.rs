//! The Helm chart in `deploy/kubernetes`: what it renders is restricted, and the daemon takes the configuration in it. Where
//! there is no helm only what can be read without it is looked at.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

const ADMIN_TOKEN_HASH: &str = "1c8bfe8f801d79745c4631d09fff36c82aa37fc4cce4fc946683d7b336b63032";

fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kubernetes/eventyard")
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Runs helm on the chart; nothing where it is not installed.
fn run_helm(arguments: &[&str], values: &Value) -> Option<Output> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.json");
    std::fs::write(&file, values.to_string()).unwrap();
    let done = Command::new("helm").args(arguments).arg(chart()).arg("--values").arg(&file).output();
    if done.is_err() {
        println!("SKIPPED: helm is not installed; the chart was not rendered");
    }
    done.ok()
}

/// Why helm renders nothing of these values.
fn helm_refuses(values: &Value) -> Option<String> {
    let output = run_helm(&["template", "name"], values)?;
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Some(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What helm prints; nothing where it is not installed.
fn helm(arguments: &[&str], values: &Value) -> Option<String> {
    let output = run_helm(arguments, values)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stdout));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Values that switch everything on.
fn everything() -> Value {
    json!({
        "config": format!("[admin]\ntoken_hashes = [\"{ADMIN_TOKEN_HASH}\"]\n[[accounts]]\nid = \"111122223333\"\n"),
        "rules": {"orders.yaml": "Rules: []\n"},
        "credentials": {"secretName": "keys"},
        "tls": {"apiSecretName": "api-certificate", "adminSecretName": "admin-certificate"},
        "env": [{"name": "EVENTYARD_LOG__LEVEL", "value": "debug"}],
        "envFrom": [{"secretRef": {"name": "variables"}}],
        "serviceAccount": {"annotations": {"cloud.example/role": "eventyard"}},
        "extraVolumes": [{"name": "authorities", "configMap": {"name": "authorities"}}],
        "extraVolumeMounts": [{"name": "authorities", "mountPath": "/etc/authorities"}],
        "persistence": {"storageClassName": "fast"},
        "podDisruptionBudget": {"enabled": true},
        "serviceMonitor": {
            "enabled": true,
            "labels": {"release": "monitoring"},
            "tokenSecret": {"name": "token", "key": "token"},
            "tlsConfig": {"serverName": "eventyard"},
        },
        "networkPolicy": {"clients": [{"namespaceSelector": {}}]},
    })
}

fn rendered(values: &Value) -> Option<Vec<Value>> {
    let text = helm(&["template", "name"], values)?;
    Some(text.split("\n---\n").map(yaml).filter(|document| !document.is_null()).collect())
}

fn the<'a>(documents: &'a [Value], kind: &str) -> &'a Value {
    documents.iter().find(|document| document["kind"] == kind).unwrap_or_else(|| panic!("there is no {kind}"))
}

#[test]
fn it_is_of_this_release() {
    let chart = yaml(&std::fs::read_to_string(chart().join("Chart.yaml")).unwrap());
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn helm_finds_nothing_wrong() {
    for values in [json!({}), everything()] {
        helm(&["lint", "--strict"], &values);
    }
}

#[test]
fn the_pod_has_no_rights_that_it_does_not_need() {
    let Some(documents) = rendered(&everything()) else { return };
    for kind in ["ConfigMap", "Service", "ServiceAccount", "NetworkPolicy", "PodDisruptionBudget", "ServiceMonitor"] {
        the(&documents, kind);
    }
    let set = the(&documents, "StatefulSet");
    assert_eq!(set["spec"]["replicas"], 1);
    let pod = &set["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    // What Kubernetes' Pod Security Standard "restricted" asks for, and a root that cannot be written to.
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
    assert_eq!(container["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    // Nothing in the pod speaks to Kubernetes.
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["serviceAccountName"], the(&documents, "ServiceAccount")["metadata"]["name"]);
    // Kubernetes would tell the pod of its services by variables that begin with EVENTYARD_, which the daemon refuses.
    assert_eq!(pod["enableServiceLinks"], false);
    let volumes: Vec<_> = pod["volumes"].as_array().unwrap().iter().map(|volume| &volume["name"]).collect();
    for mount in container["volumeMounts"].as_array().unwrap() {
        assert!(mount["name"] == "data" || volumes.contains(&&mount["name"]), "{mount} mounts what is not there");
    }
}

#[test]
fn the_daemon_takes_what_the_pod_is_given() {
    for (values, listeners_are_open) in [(everything(), false), (json!({"dangerousAllowAnonymous": true}), true)] {
        let Some(documents) = rendered(&values) else { return };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("eventyard.toml");
        std::fs::write(&file, the(&documents, "ConfigMap")["data"]["eventyard.toml"].as_str().unwrap()).unwrap();
        let container = &the(&documents, "StatefulSet")["spec"]["template"]["spec"]["containers"][0];
        let environment = container["env"].as_array().unwrap().iter();
        let environment = environment.map(|entry| (entry["name"].as_str().unwrap(), entry["value"].as_str().unwrap()));
        let mut command = Command::new(env!("CARGO_BIN_EXE_eventyard"));
        let shown = command.args(["config", "show", "--config"]).arg(&file).envs(environment).output().unwrap();
        let said = String::from_utf8_lossy(&shown.stdout).into_owned() + &String::from_utf8_lossy(&shown.stderr);
        assert!(shown.status.success(), "{said}");
        assert!(said.contains("0.0.0.0:4010") && said.contains("0.0.0.0:4011"), "{said}");
        assert_eq!(said.contains("dangerous_allow_anonymous = true"), listeners_are_open, "{said}");
        assert_eq!(said.contains("rules_dir = \"/etc/eventyard/rules\""), !listeners_are_open, "{said}");
    }
}

#[test]
fn probes_and_scrapes_speak_tls_where_the_admin_listener_does() {
    let plain = json!({"dangerousAllowAnonymous": true, "serviceMonitor": {"enabled": true}});
    for (values, scheme) in [(everything(), "HTTPS"), (plain, "HTTP")] {
        let Some(documents) = rendered(&values) else { return };
        let container = &the(&documents, "StatefulSet")["spec"]["template"]["spec"]["containers"][0];
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            assert_eq!(container[probe]["httpGet"]["scheme"], scheme, "{probe}");
        }
        let endpoint = &the(&documents, "ServiceMonitor")["spec"]["endpoints"][0];
        assert_eq!(endpoint["scheme"], scheme.to_lowercase());
        assert_eq!(endpoint["authorization"]["credentials"].is_object(), scheme == "HTTPS");
    }
}

#[test]
fn a_pod_that_nobody_could_use_is_refused() {
    let Some(said) = helm_refuses(&json!({})) else { return };
    assert!(said.contains("give accounts in config"), "{said}");
    let said = helm_refuses(&json!({"dangerousAllowAnonymous": true, "imagee": {}})).unwrap();
    assert!(said.contains("imagee"), "{said}");
}

#[test]
fn a_change_of_the_configuration_makes_a_new_pod() {
    let mut changed = everything();
    changed["rules"]["orders.yaml"] = json!("Rules: [] # changed");
    let Some(documents) = rendered(&everything()) else { return };
    let checksum = |documents: &[Value]| {
        the(documents, "StatefulSet")["spec"]["template"]["metadata"]["annotations"]["checksum/config"].clone()
    };
    assert_eq!(checksum(&documents), checksum(&rendered(&everything()).unwrap()));
    assert_ne!(checksum(&documents), checksum(&rendered(&changed).unwrap()));
}
