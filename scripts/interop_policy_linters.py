"""Has linters that we did not write read every rendered policy. Started by interop-policy.sh: DIRECTORY

DIRECTORY holds NAME.json and NAME.tf of each: parliament reads the JSON, cfn-lint the JSON as the KeyPolicy of an
AWS::KMS::Key, terraform checks the layout of the .tf, and python-hcl2 reads the .tf, which must say what the JSON
says. Each must refuse spoilt ones too.
"""

import copy
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version

import hcl2
from parliament import analyze_policy_string

# Keys that are newer than parliament's tables, and keys of the resource, which it does not know of a KMS key
# (Service Authorization Reference, "Actions, resources, and condition keys for AWS Key Management Service").
UNKNOWN_TO_PARLIAMENT = re.compile(
    r"Unknown condition kms:(RecipientAttestation:NitroTPMPCR\d+ for action"
    r" kms:(Decrypt|DeriveSharedSecret|GenerateDataKey|GenerateDataKeyPair)|MultiRegion for action kms:\w+)"
)


def parliament(policy):
    """What parliament finds, but for what is wrong with parliament."""
    findings = analyze_policy_string(json.dumps(policy), ignore_private_auditors=True).findings
    return [
        f"{finding.issue}: {finding.detail}"
        for finding in findings
        # In a key policy "*" is the key (AWS KMS developer guide, "Key policies", Resource).
        if finding.issue != "RESOURCE_STAR"
        and not (
            finding.issue == "UNKNOWN_CONDITION_FOR_ACTION" and UNKNOWN_TO_PARLIAMENT.fullmatch(finding.detail)
        )
    ]


def cfn_lint(policies):
    """What cfn-lint finds in one run, by name."""
    with tempfile.TemporaryDirectory() as directory:
        for name, policy in policies.items():
            key = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": policy}}
            template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Key": key}}
            pathlib.Path(directory, f"{name}.json").write_text(json.dumps(template))
        run = subprocess.run(
            [pathlib.Path(sys.executable).with_name("cfn-lint"), "--format", "json", "--", f"{directory}/*.json"],
            capture_output=True,
            text=True,
        )
    # 0 is nothing found; 2, 4 and 8 are the bits of errors, warnings and informations.
    if run.returncode & ~14 or (run.returncode != 0) != bool(run.stdout.strip() not in ("", "[]")):
        sys.exit(f"cfn-lint failed with {run.returncode}:\n{run.stdout}{run.stderr}")
    findings = {name: [] for name in policies}
    for finding in json.loads(run.stdout or "[]"):
        name = pathlib.Path(finding["Filename"]).stem
        findings[name].append(f"{finding['Rule']['Id']}: {finding['Message'][:200]}")
    return findings


def spoilt(policy):
    """The policy with one fault each, of the kinds that the linters look for."""

    def with_statement(**members):
        bad = copy.deepcopy(policy)
        bad["Statement"][0].update(members)
        return bad

    def condition(operator, key):
        return with_statement(Action="kms:Decrypt", Condition={operator: {key: "true"}})

    faults = {
        "unknown-action": with_statement(Action=["kms:Decypt"]),
        "unknown-operator": condition("StringEqualz", "kms:CallerAccount"),
        "unknown-effect": with_statement(Effect="Permit"),
        "unknown-version": policy | {"Version": "2012-10-18"},
        "unknown-member": with_statement(Conditions={}),
    }
    return faults, condition("StringEquals", "kms:RecipientAttestation")


def check_linters(policies):
    found = {name: parliament(policy) for name, policy in policies.items()}
    for name, findings in cfn_lint(policies).items():
        found[name] += findings
    refused = [f"{name}: {finding}" for name, findings in found.items() for finding in findings]
    if refused:
        sys.exit("refused:\n" + "\n".join(refused))
    # One of each profile is enough: what the linters look at is the same in all.
    for policy in {name.split("-")[0]: policy for name, policy in policies.items()}.values():
        faults, unknown_key = spoilt(policy)
        # cfn-lint has no table of condition keys.
        overlooked = [name for name, bad in {**faults, "unknown-key": unknown_key}.items() if not parliament(bad)]
        overlooked += [name for name, findings in cfn_lint(faults).items() if not findings]
        if overlooked:
            sys.exit(f"these faults are overlooked, so that the checks say nothing: {overlooked}")
    print(f"parliament {version('parliament')} and cfn-lint {version('cfn-lint')} accept {len(policies)} policies")


def as_list(value):
    return value if isinstance(value, list) else [value]


def unquoted(value):
    """python-hcl2's strings keep their quotes."""
    if isinstance(value, dict):
        return {unquoted(name): unquoted(inner) for name, inner in value.items() if name != "__is_block__"}
    if isinstance(value, list):
        return [unquoted(inner) for inner in value]
    return json.loads(value) if isinstance(value, str) and value[:1] == '"' else value


def meaning(policy):
    """What a policy says, however it is written."""
    statements = []
    for statement in policy["Statement"]:
        principal = statement["Principal"]
        principal = {"AWS": "*"} if principal == "*" else principal
        tests = [
            (operator, key, sorted(as_list(values)))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        ]
        known = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
        statements.append(
            {
                "Sid": statement["Sid"],
                "Effect": statement["Effect"],
                "Principal": sorted((kind, sorted(as_list(names))) for kind, names in principal.items()),
                "Action": sorted(as_list(statement["Action"])),
                "Resource": sorted(as_list(statement["Resource"])),
                "Condition": sorted(tests),
                "besides": sorted(statement.keys() - known),
            }
        )
    besides = sorted(policy.keys() - {"Version", "Id", "Statement"})
    return {"Version": policy["Version"], "Id": policy.get("Id"), "Statement": statements, "besides": besides}


def terraform_policy(text):
    """The policy that the data source makes of its configuration, and that the key must refer to."""
    configuration = unquoted(hcl2.loads(text))
    ((kind, named),) = configuration["data"][0].items()
    ((name, source),) = named.items()
    key = configuration["resource"][0]["aws_kms_key"][name]
    if kind != "aws_iam_policy_document" or key["policy"] != f"${{data.{kind}.{name}.json}}":
        raise ValueError("the key does not refer to the policy document")
    statements = []
    for block in source.pop("statement"):
        condition = {}
        for test in block.pop("condition", []):
            condition.setdefault(test["test"], {})[test["variable"]] = test["values"]
        statement = {
            "Sid": block.pop("sid"),
            "Effect": block.pop("effect"),
            # "*" is a type of its own there.
            "Principal": {one["type"].replace("*", "AWS"): one["identifiers"] for one in block.pop("principals")},
            "Action": block.pop("actions"),
            "Resource": block.pop("resources"),
            "Condition": condition,
        }
        if block:
            raise ValueError(f"a statement holds more: {sorted(block)}")
        statements.append(statement)
    policy = {"Version": source.pop("version"), "Id": source.pop("policy_id", None), "Statement": statements}
    if source:
        raise ValueError(f"the policy document holds more: {sorted(source)}")
    return policy


def check_configurations(policies, configurations):
    meanings = {name: meaning(terraform_policy(text)) for name, text in configurations.items()}
    different = [name for name, policy in policies.items() if meanings[name] != meaning(policy)]
    if different:
        sys.exit(f"the Terraform configuration says something else: {different}")
    for name, policy in policies.items():
        if any(meanings[name] == meaning(fault) for fault in spoilt(policy)[0].values()):
            sys.exit(f"{name}: a spoilt policy compares equal, so that the comparison says nothing")
    print(f"python-hcl2 {version('python-hcl2')} reads the same policies in {len(configurations)} configurations")


def check_layout(directory, configurations):
    if not shutil.which("terraform"):
        print("terraform fmt: skipped: no terraform", file=sys.stderr)
        return

    def fmt(where):
        return subprocess.run(["terraform", "fmt", "-check", "-diff", where], capture_output=True, text=True)

    run = fmt(directory)
    if run.returncode != 0:
        sys.exit(f"terraform fmt -check:\n{run.stdout}{run.stderr}")
    with tempfile.TemporaryDirectory() as spoilt_layout:
        text = next(iter(configurations.values()))
        pathlib.Path(spoilt_layout, "spoilt.tf").write_text(text.replace("  statement {", " statement {", 1))
        if fmt(spoilt_layout).returncode == 0:
            sys.exit("terraform fmt accepts a spoilt layout, so that the check says nothing")
    print(f"terraform fmt accepts {len(configurations)} configurations")


def main():
    (directory,) = sys.argv[1:]
    paths = sorted(pathlib.Path(directory).iterdir())
    policies = {path.stem: json.loads(path.read_text()) for path in paths if path.suffix == ".json"}
    configurations = {path.stem: path.read_text() for path in paths if path.suffix == ".tf"}
    if not policies or policies.keys() != configurations.keys():
        sys.exit(f"{directory} does not hold a .json and a .tf of each rendered policy")
    check_linters(policies)
    check_configurations(policies, configurations)
    check_layout(directory, configurations)


main()
