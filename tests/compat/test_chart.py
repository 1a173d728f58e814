"""The Helm chart: what it renders is valid for the newest Kubernetes that there are schemas of, and for the oldest of the chart."""

import json
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

CHART = Path(__file__).parents[2] / "deploy/kubernetes/eventyard"
# The ServiceMonitor is the Prometheus operator's; Kubernetes has no schema of it.
NOT_OF_KUBERNETES = {"ServiceMonitor"}
ACCOUNT = '[[accounts]]\nid = "111122223333"\n'
EVERYTHING = {
    "config": ACCOUNT,
    "rules": {"orders.yaml": "Rules: []\n"},
    "credentials": {"secretName": "keys"},
    "tls": {"apiSecretName": "api", "adminSecretName": "admin"},
    "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
    "envFrom": [{"configMapRef": {"name": "m"}}],
    "extraVolumes": [{"name": "more", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
    "serviceAccount": {"annotations": {"a": "b"}},
    "persistence": {"storageClassName": "fast"},
    "podDisruptionBudget": {"enabled": True},
    "serviceMonitor": {"enabled": True, "tokenSecret": {"name": "t"}},
    "networkPolicy": {"clients": [{"namespaceSelector": {}}]},
    "podLabels": {"a": "b"},
    "priorityClassName": "high",
    "tolerations": [{"key": "a", "operator": "Exists"}],
}

pytestmark = pytest.mark.skipif(shutil.which("helm") is None, reason="SKIPPED: helm is not installed")


@pytest.mark.parametrize("version", ["1.25", "1.37"])
@pytest.mark.parametrize("values", [{"config": ACCOUNT}, EVERYTHING], ids=["least", "everything"])
def test_what_it_renders_is_valid(tmp_path, values, version):
    file = tmp_path / "values.json"
    file.write_text(json.dumps(values))
    command = ["helm", "template", "name", str(CHART), "--kube-version", version, "--values", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    documents = [document for document in yaml.safe_load_all(done.stdout) if document]
    for document in documents:
        if document["kind"] not in NOT_OF_KUBERNETES:
            kubernetes_validate.validate(document, version, strict=True)
    assert len(documents) >= 6


def test_what_is_not_valid_is_found():
    document = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "x"}, "spec": {"replicass": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, "1.37", strict=True)
