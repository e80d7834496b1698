// Decides (policy, request) pairs as iam-simulate does. Started by interop-policy.sh: NODE_MODULES_PARENT
//
// Reads one JSON object a line: {id, keyPolicy, keyAccount, identityPolicies: [policy…], request: {principal, action,
// resource, context: {key: text | [text…]}}}. Writes {"id":…,"decision":"allow"|"explicit-deny"|"implicit-deny"}
// for each, in order. A pair that the oracle cannot judge ends the run.

import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const require = createRequire(join(process.argv[2], "package.json"));
// runSimulation leaves out every kms:EncryptionContext:… key of a request; this one takes the context as it is.
const { runUnsafeSimulation } = require("@cloud-copilot/iam-simulate");
const { createValidatedPolicy, validateIdentityPolicy, validateResourcePolicy } = require("@cloud-copilot/iam-policy");

const DECISIONS = { Allowed: "allow", ExplicitlyDenied: "explicit-deny", ImplicitlyDenied: "implicit-deny" };

function validated(policy, validate, name) {
  const checked = createValidatedPolicy(policy, validate, { name });
  if (checked.errors.length > 0) {
    throw new Error(`iam-policy refuses ${name}: ${JSON.stringify(checked.errors)}`);
  }
  return checked;
}

function decide({ keyPolicy, keyAccount, identityPolicies, request }) {
  const decision = runUnsafeSimulation(
    {
      request: {
        principal: request.principal,
        action: request.action,
        resource: { resource: request.resource, accountId: keyAccount },
        contextVariables: request.context,
      },
      resourcePolicy: validated(keyPolicy, validateResourcePolicy, "the key policy"),
      identityPolicies: identityPolicies.map((policy, index) => {
        const name = `identity policy ${index}`;
        return { name, policy: validated(policy, validateIdentityPolicy, name) };
      }),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    { simulationMode: "Strict" },
  );
  if (!Object.hasOwn(DECISIONS, decision)) {
    throw new Error(`iam-simulate says ${decision}`);
  }
  return DECISIONS[decision];
}

for await (const line of createInterface({ input: process.stdin })) {
  const pair = JSON.parse(line);
  try {
    process.stdout.write(`${JSON.stringify({ id: pair.id, decision: decide(pair) })}\n`);
  } catch (error) {
    process.stderr.write(`${pair.id}: ${error.stack}\n${line}\n`);
    process.exit(1);
  }
}
