"""Terraform and its aws provider, from copies on this machine: nothing is downloaded."""

import json
import os
import platform
import shutil
import subprocess
from pathlib import Path

PROVIDER = "registry.terraform.io/hashicorp/aws"
CONFIGURATION = Path(__file__).parent / "terraform"
# Of what main.tf makes.
DEFAULT_TAGS = {"project": "shop"}
COMMAND_WITHIN_SECONDS = 600

PLUGINS_VARIABLE = "EVENTYARD_TERRAFORM_PLUGINS"
# Where Terraform itself looks for copies of providers, and what people keep beside it.
USUAL_FOLDERS = [
    "~/.terraform.d/plugins",
    "~/.terraform.d/plugin-cache",
    "~/.local/share/terraform/plugins",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
]


class TerraformError(Exception):
    """A command of Terraform ended with an error; the text is what it said."""


def find():
    """A pair: the folder with the providers, or None, and then the reason why there is no Terraform to test with."""
    if shutil.which("terraform") is None:
        return None, "there is no terraform"
    named = os.environ.get(PLUGINS_VARIABLE)
    folders = [Path(named)] if named else [Path(folder).expanduser() for folder in USUAL_FOLDERS]
    # Packages that are not the system's lie in a folder of their own there.
    folders += [] if named else sorted(Path("/opt").glob("*/"))
    for folder in folders:
        if any(folder.glob(f"{PROVIDER}/*/{this_platform()}/*")) or any(folder.glob(f"{PROVIDER}/*.zip")):
            return folder, None
    return None, f"{PLUGINS_VARIABLE} names no folder with {PROVIDER}, nor is it in one of the usual ones"


def this_platform():
    """This machine, as Terraform calls it."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"{platform.system().lower()}_{machine}"


class Terraform:
    """Terraform with a state of its own in `folder`, on a daemon. Its configuration is the provider, and the files that are put
    there, whose resources all have the `default_tags`."""

    def __init__(self, plugins, folder, daemon, default_tags=None):
        self.folder = Path(folder)
        shutil.copy(CONFIGURATION / "provider.tf", self.folder)
        # JSON text is HCL text, too, so this quotes whatever the path holds.
        mirror = f"provider_installation {{\n  filesystem_mirror {{\n    path = {json.dumps(str(plugins))}\n  }}\n}}\n"
        (self.folder / "terraform.rc").write_text("disable_checkpoint = true\n" + mirror)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
        self.env = kept | {
            "TF_CLI_CONFIG_FILE": str(self.folder / "terraform.rc"),
            "TF_IN_AUTOMATION": "1",
            "TF_VAR_endpoint": daemon.api_url,
            "TF_VAR_default_tags": json.dumps(default_tags or {}),
        }
        self.run("init")

    def run(self, command, *arguments, codes=(0,)):
        """Runs a command, and gives its exit code and what it printed."""
        command = ["terraform", command, "-input=false", "-no-color", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=COMMAND_WITHIN_SECONDS
        )
        if done.returncode not in codes:
            raise TerraformError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done.returncode, done.stdout

    def apply(self, **variables):
        """Makes the resources what the configuration says."""
        self.run("apply", "-auto-approve", *set_to(variables))

    def drift(self, **variables):
        """What a plan would change, as it shows it; None when that is nothing."""
        code, text = self.run("plan", "-detailed-exitcode", *set_to(variables), codes=(0, 2))
        return text if code == 2 else None

    def destroy(self, **variables):
        """Takes all resources away."""
        self.run("destroy", "-auto-approve", *set_to(variables))


def set_to(variables):
    return [f"-var={name}={value}" for name, value in variables.items()]


def make_and_change(plugins, folder, daemon, seen=lambda stage: None):
    """The resources of `terraform/main.tf` are made, found as they were made, changed in place, found so again, and taken away.
    `seen` is called with the stage after each step but the last. Gives what went wrong, or None."""
    terraform = Terraform(plugins, folder, daemon, DEFAULT_TAGS)
    shutil.copy(CONFIGURATION / "main.tf", folder)
    for stage in ["first", "second"]:
        terraform.apply(stage=stage)
        seen(stage)
        drift = terraform.drift(stage=stage)
        if drift:
            return f"what was applied has drifted at once, at the {stage} stage:\n{drift}"
    terraform.destroy(stage="second")
    return None
