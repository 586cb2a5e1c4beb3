"""What `deploy/` has is sound by its own linters and schemas, and names what there is in lstmfcn and Ray."""

import re
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config
from typer.main import get_command

from conftest import ROOT
from lstmfcn.cli import app
from lstmfcn.version import __version__

DEPLOY = ROOT / "deploy"
AWS, KUBERNETES = DEPLOY / "aws.yaml", DEPLOY / "kubernetes"
CONSTRAINTS = ROOT / "constraints.txt"
EVERYTHING = [path for path in sorted(DEPLOY.rglob("*")) if path.is_file()]

VERSION = "1.34"
"""Of Kubernetes, whose schemas the manifests are held to."""

YAMLLINT = """
extends: default
rules:
  line-length: {max: 120}
  document-start: disable
  comments: {min-spaces-from-content: 1}
"""

KUBERAY = {
    "rayjob": {
        "entrypoint": "string",
        "submissionMode": "string",
        "backoffLimit": "integer",
        "shutdownAfterJobFinishes": "boolean",
        "ttlSecondsAfterFinished": "integer",
        "rayClusterSpec": "cluster",
    },
    "cluster": {
        "rayVersion": "string",
        "authOptions": "authentication",
        "enableInTreeAutoscaling": "boolean",
        "autoscalerOptions": "autoscaler",
        "headGroupSpec": "head",
        "workerGroupSpecs": "workers",
    },
    "authentication": {"mode": "string"},
    "autoscaler": {"idleTimeoutSeconds": "integer", "resources": "object", "securityContext": "object"},
    "head": {"rayStartParams": "strings", "template": "object"},
    "worker": {
        "groupName": "string",
        "replicas": "integer",
        "minReplicas": "integer",
        "maxReplicas": "integer",
        "rayStartParams": "strings",
        "template": "object",
    },
}
"""Of ray.io/v1, as the reference of KubeRay 1.7 has them: the fields that are used here, and their types."""


def run(program, *words, **options):
    """Run a linter of this environment; return what it found."""
    command = [Path(sys.executable).with_name(program), *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    return done.returncode, done.stdout


def documents(path):
    return list(yaml.safe_load_all(path.read_text()))


def of_kind(kind):
    """Return the manifest of a kind."""
    (found,) = (
        each for path in KUBERNETES.glob("*.yaml") for each in documents(path) if each["kind"] == kind
    )
    return found


def templates():
    """Return each template of a pod by the name of its container."""
    cluster = of_kind("RayJob")["spec"]["rayClusterSpec"]
    pod = of_kind("Pod")
    found = [cluster["headGroupSpec"]["template"], *(w["template"] for w in cluster["workerGroupSpecs"])]
    found.append({"metadata": {}, "spec": pod["spec"]})
    return {each["spec"]["containers"][0]["name"]: each for each in found}


def test_the_script_of_slurm_passes_shellcheck():
    assert run("shellcheck", DEPLOY / "slurm.sh") == (0, "")


def test_the_dockerfile_passes_hadolint_and_copies_what_there_is():
    file = KUBERNETES / "Dockerfile"
    assert run("hadolint", "--no-color", file) == (0, "")
    (copied,) = re.findall(r"^COPY (.*) \S+$", file.read_text(), re.MULTILINE)
    sent = (KUBERNETES / "Dockerfile.dockerignore").read_text().split()
    assert sent == ["*", *(f"!{path}" for path in copied.split())]
    assert copied.split() == ["dist/lstmfcn-*.whl", CONSTRAINTS.name]


def test_all_yaml_passes_yamllint():
    assert run("yamllint", "--strict", "-d", YAMLLINT, DEPLOY) == (0, "")


@pytest.mark.parametrize("kind", ["PersistentVolumeClaim", "Pod", "NetworkPolicy"])
def test_what_is_kubernetes_own_fits_its_schema(kind):
    kubernetes_validate.validate(of_kind(kind), VERSION, strict=True)


def test_the_pods_of_ray_fit_the_schema_of_templates():
    """KubeRay takes those of Kubernetes as they are; a misspelt field is found."""
    for template in templates().values():
        made = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "x"}, "template": template}
        kubernetes_validate.validate(made, VERSION, strict=True)
        made["template"] = template | {"spec": template["spec"] | {"restartPolice": "Never"}}
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(made, VERSION, strict=True)


def test_the_fields_of_kuberay_are_those_of_its_reference():
    kinds = {
        "strings": {"type": "object", "additionalProperties": {"type": "string"}},
        "workers": {"type": "array", "items": {"$ref": "#/$defs/worker"}},
    }
    for name, fields in KUBERAY.items():
        known = (*KUBERAY, *kinds)
        each = {f: {"$ref": f"#/$defs/{t}"} if t in known else {"type": t} for f, t in fields.items()}
        kinds[name] = {"type": "object", "properties": each, "additionalProperties": False}
    schema = {"$defs": kinds | {"workers": {"type": "array", "items": {"$ref": "#/$defs/worker"}}}}
    spec = of_kind("RayJob")["spec"]
    jsonschema.validate(spec, schema | {"$ref": "#/$defs/rayjob"})
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(spec | {"ttl": 1}, schema | {"$ref": "#/$defs/rayjob"})


def test_all_pods_are_of_one_image_unprivileged_and_bounded():
    made = templates()
    assert {each["spec"]["containers"][0]["image"] for each in made.values()} == {
        f"REGISTRY/lstmfcn:{__version__}"
    }
    for each in made.values():
        (container,) = each["spec"]["containers"]
        user = each["spec"]["securityContext"]
        assert user["runAsNonRoot"]
        assert user["runAsUser"] == 1000
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["requests"] == container["resources"]["limits"]
        assert {"cpu", "memory"} == container["resources"]["limits"].keys()
    assert "USER 1000:1000" in (KUBERNETES / "Dockerfile").read_text()


def test_the_study_is_where_the_head_is_and_nobody_else_reaches_rays_pods():
    made, claim = templates(), of_kind("PersistentVolumeClaim")["metadata"]["name"]
    for name in ("ray-head", "shell"):
        spec = made[name]["spec"]
        (volume,) = spec["volumes"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim
        assert spec["containers"][0]["volumeMounts"] == [
            {"name": volume["name"], "mountPath": "/study", "subPath": "study"}
        ]
    policy = of_kind("NetworkPolicy")["spec"]
    own = policy["podSelector"]
    for name in ("ray-head", "ray-worker"):
        assert made[name]["metadata"]["labels"] == own["matchLabels"]
    among, operator = policy["ingress"]
    assert among == {"from": [{"podSelector": own}]}
    assert operator["ports"] == [{"protocol": "TCP", "port": 8265}]


def test_the_machines_fit_rays_own_schema():
    """With what Ray fills in; the head does no job, and no misspelt key is taken."""
    (config,) = documents(AWS)
    validate_config(prepare_config(config))
    assert config["available_node_types"][config["head_node_type"]]["resources"] == {"CPU": 0}
    with pytest.raises(jsonschema.ValidationError):
        validate_config(prepare_config(config | {"max_worker": 3}))


def test_the_versions_are_those_that_the_project_pins():
    pins = dict(re.findall(r"^([\w-]+)==(\S+)", CONSTRAINTS.read_text(), re.MULTILINE))
    assert of_kind("RayJob")["spec"]["rayClusterSpec"]["rayVersion"] == pins["ray"]


def texts():
    return "\n".join(path.read_text() for path in EVERYTHING)


def test_the_extras_and_variables_that_are_used_are_lstmfcns():
    """A variable is one that some module of the package reads."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = {name for found in re.findall(r"\[([a-z,]+)\]", texts()) for name in found.split(",")}
    assert {"pipeline", "cluster"} <= asked <= {*extras, "default"}
    source = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    named = set(re.findall(r"LSTMFCN_\w+", texts()))
    assert {"LSTMFCN_RAY_ADDRESS", "LSTMFCN_THREADS"} <= named
    assert not [name for name in named if f'"{name}"' not in source]


def test_the_commands_and_options_that_are_used_exist():
    """Of lstmfcn and of Ray: `ray start` by its options; KubeRay's parameters become such options."""
    with warnings.catch_warnings(action="ignore"):  # Ray's own, of what it imports
        from ray.scripts import scripts as ray_commands
    lstmfcn = get_command(app).commands
    used = re.findall(r"(?<![/\w.-])lstmfcn ([a-z]+)", texts())
    assert "doctor" in used
    assert set(used) <= lstmfcn.keys()
    words = set(re.findall(r"(?<![\w/])ray ([a-z-]+)", texts()))
    assert {"start", "stop", "status"} <= words
    assert words <= ray_commands.cli.commands.keys()
    options = {option for parameter in ray_commands.start.params for option in parameter.opts}
    cluster = of_kind("RayJob")["spec"]["rayClusterSpec"]
    asked = {
        f"--{name}"
        for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])
        for name in group["rayStartParams"]
    }
    script = (DEPLOY / "slurm.sh").read_text()
    begun = [script[script.index("ray_start=(") :].partition("cd ")[0]]
    begun += [line for key in ("head", "worker") for line in documents(AWS)[0][f"{key}_start_ray_commands"]]
    of_srun = {"--nodes", "--ntasks", "--nodelist", "--exclude", "--cpus-per-task", "--overlap", "--no-kill"}
    asked |= set(re.findall(r"(?<=\s)--[a-z-]+", "\n".join(begun))) - of_srun - {"--kill-on-bad-exit"}
    assert {"--head", "--block", "--temp-dir", "--autoscaling-config", "--dashboard-host"} <= asked
    assert asked - options == set()


def test_values_to_edit_are_marked_and_the_readme_names_each_file():
    readme = (DEPLOY / "README.md").read_text()
    for path in EVERYTHING:
        if path.suffix in (".sh", ".yaml"):
            assert "# EDIT" in path.read_text()
        if path.suffix not in (".md", ".dockerignore"):
            assert str(path.relative_to(DEPLOY)) in readme
