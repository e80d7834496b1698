//! The table of rules: one place for ids, severities and texts.

use std::fmt;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The policy is right so; its owner should know what follows from it.
    Note,
    /// The policy may let in more, or less, than its owner wants, or hangs on something that is not in it.
    Warning,
    /// The policy does not protect the key, or keeps the enclave out, or AWS refuses it.
    Error,
}

impl Severity {
    /// `note`, `warning` or `error`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

macro_rules! rules {
    ($( $name:ident $id:literal $severity:ident $title:literal
        because $why:literal
        remedy $remedy:literal
        source $source:literal; )*) => {
        /// A rule. Ids never change their meaning and are never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $( #[doc = concat!("`", $id, "`: ", $title, ".")] $name, )*
        }

        impl Rule {
            /// Every rule, family by family.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable id: words in lower case, joined by hyphens.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// The highest severity that a finding of this rule has. Where a finding may be less severe,
            /// [`explanation`](Self::explanation) says when.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// What is wrong, in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// Why it matters.
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$name => $why,)* }
            }

            /// What to do about it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }

            /// Where the fact stands: a page of AWS, or of pcrseal.
            pub const fn source(self) -> &'static str {
                match self { $(Self::$name => $source,)* }
            }
        }
    };
}

impl Rule {
    /// The rule of this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.id() == id)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

rules! {
    // Who gets data out of the key (release.rs).
    ReleaseWithoutAttestation "release-without-attestation" Error "data is released without attestation"
        because "Decrypt, GenerateDataKey and GenerateDataKeyPair answer with the plaintext itself when the request carries no attestation document: outside any enclave, to whoever holds the credentials."
        remedy "Deny these operations to everyone unless the image hash is one of the accepted ones. StringNotEqualsIgnoreCase on kms:RecipientAttestation:ImageSha384 holds for a missing hash too."
        source "AWS KMS developer guide, Condition keys for AWS Nitro Enclaves";
    AnyImageAccepted "any-image-accepted" Error "any enclave image is accepted"
        because "A Deny that only asks whether some attestation is there (Null) lets every attested enclave pass, in debug mode too. Whoever may call KMS at all then starts an image of their own and reads the plaintext in it."
        remedy "Deny these operations to everyone unless the image hash is one of the accepted ones (StringNotEqualsIgnoreCase on kms:RecipientAttestation:ImageSha384), in place of a Deny on Null."
        source "AWS KMS developer guide, Condition keys for AWS Nitro Enclaves";
    ImageNotPinned "image-not-pinned" Warning "only a part of the image is pinned"
        because "Other PCRs are compared, but neither the image (ImageSha384, PCR0) nor the application (PCR2): every image with the same kernel, role, instance or signing certificate gets in."
        remedy "Compare kms:RecipientAttestation:ImageSha384 too."
        source "AWS Nitro Enclaves user guide, Cryptographic attestation";
    AnyRoleAccepted "any-role-accepted" Warning "any role that runs the accepted image is accepted"
        because "The account as principal hands the decision to IAM: every role with an IAM permission may use the key from an accepted image. Clusters share their image, so another cluster's enclave opens this cluster's shares. An error where principals of any account are let in."
        remedy "Take the data operations out of the statement for the account, or deny them to every principal but the enclave's role (ArnNotEquals on aws:PrincipalArn)."
        source "AWS KMS developer guide, Default key policy";
    AdministratorDataOperation "administrator-data-operation" Error "an administrator has data operations"
        because "Who may change the policy of a key, or grant its use, must not be able to use it on data: the two together need nobody else."
        remedy "Take the data operations out of the administrator's statements, or give them to another principal."
        source "AWS KMS developer guide, Default key policy (key administrators)";
    ReEncryptAllowed "re-encrypt-allowed" Error "ReEncryptFrom is allowed"
        because "ReEncrypt never carries attestation. ReEncryptFrom moves a share to any KMS key of the caller, who decrypts it there."
        remedy "Deny kms:ReEncryptFrom and kms:ReEncryptTo to everyone."
        source "AWS KMS developer guide, Permissions reference (ReEncrypt)";
    EncryptUnattested "encrypt-unattested" Error "ciphertexts can be made without attestation"
        because "Decrypt accepts what Encrypt, ReEncrypt and GenerateDataKey made, alike, and Encrypt and ReEncryptTo never carry attestation: whoever holds the credentials (the parent instance has the enclave role's) can make valid share ciphertexts. With wrapping `attested` an error: its blobs would no longer be authentic, and nobody needs kms:Encrypt. With wrapping `encrypt` a note: it gives confidentiality only, and needs it."
        remedy "With wrapping `attested`, deny kms:Encrypt and kms:ReEncryptTo to everyone. With wrapping `encrypt`, bind kms:Encrypt to the encryption context of the cluster."
        source "AWS KMS developer guide, Condition keys for AWS Nitro Enclaves";
    DataKeyWithoutPlaintext "data-key-without-plaintext" Warning "data keys without plaintext can be made without attestation"
        because "GenerateDataKeyWithoutPlaintext and GenerateDataKeyPairWithoutPlaintext never carry attestation; what they make is a ciphertext that Decrypt accepts, so a share that no enclave asked for. With wrapping `encrypt` a note."
        remedy "Deny both to everyone."
        source "AWS KMS developer guide, Condition keys for AWS Nitro Enclaves";
    DeriveSharedSecretOpen "derive-shared-secret-open" Error "DeriveSharedSecret is left out of the Deny"
        because "DeriveSharedSecret releases a secret as Decrypt does, and carries attestation as Decrypt does. It works on key agreement keys alone: for a key of SYMMETRIC_DEFAULT a note."
        remedy "List kms:DeriveSharedSecret in the Deny beside kms:Decrypt."
        source "AWS KMS API reference, DeriveSharedSecret";
    PreviousImageAccepted "previous-image-accepted" Note "more than one image is accepted"
        because "Every listed image may decrypt: an adversary who controls the parent starts the older one, with the faults that the newer one has mended."
        remedy "Take the previous hash out when the roll-over is done."
        source "pcrseal, rolling upgrades";
    ImageUnexpected "image-unexpected" Error "an image is accepted that is not expected"
        because "The policy lists the hash of an image that is not among the expected ones."
        remedy "Take the hash out, or expect it."
        source "pcrseal, lint options";
    SealByPreviousImage "seal-by-previous-image" Warning "more than one image may make data keys"
        because "New seals are the current image's business. An older image that may call GenerateDataKey can seal with the faults that the newer one has mended."
        remedy "Give kms:GenerateDataKey a statement of its own with the current image only."
        source "pcrseal, attested wrapping";
    EncryptionContextDiffers "encryption-context-differs" Warning "shares can be made that cannot be decrypted"
        because "A share is decrypted under the encryption context under which it was made. Where the statements for sealing let contexts through that those for Decrypt do not, shares are made that can never be decrypted."
        remedy "Use the same kms:EncryptionContext conditions for kms:Decrypt and for kms:GenerateDataKey or kms:Encrypt."
        source "AWS KMS developer guide, Encryption context";
    Undecided "undecided" Warning "the outcome hangs on something unknown"
        because "Whether a request is allowed depends on a policy variable or a value that is not known here. Nothing is guessed: it may be allowed."
        remedy "Write the values out."
        source "IAM user guide, Policy variables";
    PrincipalNotProbed "principal-not-probed" Warning "a principal is allowed that was not judged"
        because "AWS services, identity providers and canonical users are not callers of this check. So are principals beyond those that are tried one by one."
        remedy "A key that holds a share needs no such principal: take it out."
        source "IAM user guide, AWS JSON policy elements: Principal";

    // Who governs the key (administration.rs).
    CreateGrantAllowed "create-grant-allowed" Error "grants can be made"
        because "A grant lets its grantee in beside the key policy's statements, and cannot demand attestation; only an explicit Deny binds it. A warning where the policy's Deny holds the grantee to the accepted images."
        remedy "Deny kms:CreateGrant to everyone."
        source "AWS KMS developer guide, Grants in AWS KMS";
    AdministrationWildcard "administration-wildcard" Warning "administrative actions are given by wildcard"
        because "kms:Put* is PutKeyPolicy, kms:Create* is CreateGrant, and what AWS adds later is in it too."
        remedy "List administrative actions one by one, without kms:CreateGrant and kms:ReplicateKey."
        source "AWS KMS developer guide, Default key policy (key administrators)";
    AdministrationOpen "administration-open" Error "everyone may govern the key"
        because "The principal \"*\" lets every role and user of the key's account change the policy, replicate the key or delete it without any IAM permission, and those of every other account make grants."
        remedy "Name the administrators as principals."
        source "IAM user guide, AWS JSON policy elements: Principal";
    PolicyChangeDelegated "policy-change-delegated" Error "IAM decides who may change the policy"
        because "The account as principal hands PutKeyPolicy to IAM: whoever has, or can give themselves, that permission can take the Deny out. Under the profile `break-glass` a note: this is the way back when the administrators are gone. Under `strict` an error."
        remedy "Restrict the statement for the account to its root user (ArnEquals on aws:PrincipalArn), and let a different account hold each key of the quorum."
        source "AWS KMS developer guide, Default key policy";
    PolicyChangeByAdministrator "policy-change-by-administrator" Note "an administrator may change the policy"
        because "Who may call PutKeyPolicy can let themselves decrypt. A single key cannot help it; the quorum does."
        remedy "See to it that no administrator governs as many keys as the threshold."
        source "pcrseal, quorums";
    ReplicateKeyAllowed "replicate-key-allowed" Error "the key can be replicated"
        because "A replica of a multi-Region key has the same key material and a policy of its own, which its maker writes. A warning where it is not known whether the key is a multi-Region key; nothing for one that is not."
        remedy "Deny kms:ReplicateKey to everyone, and use keys with MultiRegion = false."
        source "AWS KMS developer guide, Multi-Region keys in AWS KMS";
    MultiRegionKey "multi-region-key" Warning "the key is a multi-Region key"
        because "Each replica has the same key material under a policy of its own: the weakest of them counts."
        remedy "Use a key with MultiRegion = false, or put the same policy on every replica."
        source "AWS KMS developer guide, Multi-Region keys in AWS KMS";
    DeletionByAdministrator "deletion-by-administrator" Note "the key can be deleted"
        because "ScheduleKeyDeletion takes a share away for good after 7 to 30 days (DeleteImportedKeyMaterial, at once): n - t + 1 of them are the loss of the secret."
        remedy "Watch for ScheduleKeyDeletion in CloudTrail, keep the waiting period long, and let no administrator govern n - t + 1 keys."
        source "AWS KMS developer guide, Delete a KMS key";
    KeySpecUnfit "key-spec-unfit" Error "the key is not of SYMMETRIC_DEFAULT"
        because "Shares are made by GenerateDataKey or Encrypt and opened by Decrypt, which only symmetric encryption keys do."
        remedy "Make a key with KeySpec = SYMMETRIC_DEFAULT and KeyUsage = ENCRYPT_DECRYPT."
        source "AWS KMS developer guide, Key spec reference";
    KeyOrigin "key-origin" Warning "the key material is not of AWS KMS alone"
        because "Key material that was imported, or lies in a key store outside of KMS, is in the hands of whoever made or keeps it: no key policy binds them."
        remedy "Make a key with Origin = AWS_KMS."
        source "AWS KMS API reference, CreateKey (Origin)";
    SecondKeyPolicy "second-key-policy" Error "the key has a second key policy"
        because "Beside the policy `default` the key has another (AWS_RAM: shared through AWS Resource Access Manager). What it allows is allowed, and this check does not see it."
        remedy "End the resource share."
        source "AWS KMS API reference, ListKeyPolicies";

    // Who is locked out (lockout.rs).
    EnclaveLockedOut "enclave-locked-out" Error "an enclave that should decrypt cannot"
        because "A role and an image that the policy means to let in, or that are expected, are refused for Decrypt."
        remedy "Mend the statement that denies it, or the one that should allow it."
        source "IAM user guide, Policy evaluation logic";
    GenerateDataKeyMissing "generate-data-key-missing" Note "no enclave may make data keys"
        because "With wrapping `attested` a seal needs kms:GenerateDataKey for every key. Without it, existing blobs open and nothing can be sealed: right outside of seal windows."
        remedy "For a seal, add an Allow of kms:GenerateDataKey for the enclave's role, with the current image only and the encryption context of Decrypt."
        source "pcrseal, attested wrapping";
    EncryptDenied "encrypt-denied" Error "no enclave may encrypt"
        because "With wrapping `encrypt` a seal needs kms:Encrypt, which never carries attestation: a Deny on missing attestation that lists it denies it always. A note where nothing allows it either: right outside of seal windows."
        remedy "Take kms:Encrypt out of the Deny, and allow it to the enclave's role."
        source "AWS KMS developer guide, Condition keys for AWS Nitro Enclaves";
    ConditionLocksOut "condition-locks-out" Error "a condition keeps enclaves out"
        because "kms:ViaService and the aws:Source… keys of services are there only when an AWS service calls on somebody's behalf; an enclave calls KMS itself, through its parent. A warning for aws:SourceIp, aws:SourceVpc and the like: they are the parent's network, which may change, and not all of them are there on every way to KMS."
        remedy "Take the condition out: attestation says where the caller runs."
        source "IAM user guide, AWS global condition context keys";
    NoBreakGlass "no-break-glass" Error "there is no way back when the administrators are gone"
        because "When the roles that may call PutKeyPolicy are deleted, the key can be managed no more; AWS can only be asked to help. An error under the profile `break-glass`; under `strict` a note, unless nobody at all may call PutKeyPolicy."
        remedy "Allow the account (arn:PARTITION:iam::ACCOUNT:root) the administrative actions, kms:PutKeyPolicy among them, without data operations."
        source "AWS KMS developer guide, Default key policy (reduces the risk of the key becoming unmanageable)";
    LockoutCheckBypassed "lockout-check-bypassed" Warning "the lockout safety check is bypassed"
        because "With BypassPolicyLockoutSafetyCheck, AWS accepts a policy that nobody can ever change again."
        remedy "Put the policy without BypassPolicyLockoutSafetyCheck, and deny kms:PutKeyPolicy where kms:BypassPolicyLockoutSafetyCheck is true."
        source "AWS KMS API reference, PutKeyPolicy";

    // Conditions on attestation, and condition keys (attestation.rs).
    AttestationKeyUnknown "attestation-key-unknown" Error "there is no such attestation key"
        because "The keys are kms:RecipientAttestation:ImageSha384, …:PCR0 to …:PCR31 and …:NitroTPMPCR0 to …:NitroTPMPCR23. Any other is missing in every request: an Allow on it never holds, and a Deny on Null or a negated operator always does, which keeps everyone out."
        remedy "Write the key that is meant. Each PCR is a key of its own; there is no map of PCRs."
        source "AWS KMS developer guide, Condition keys for AWS Nitro Enclaves";
    ConditionKeyUnknown "condition-key-unknown" Error "there is no such condition key"
        because "KMS has no condition key of this name: it is missing in every request. A warning for keys that are neither of kms: nor of aws:."
        remedy "Write the key that is meant."
        source "AWS KMS developer guide, AWS KMS condition keys";
    AttestationSetOperator "attestation-set-operator" Error "a set operator stands on a scalar key"
        because "Attestation keys have one value. ForAllValues holds for a missing key, so that an Allow lets requests without attestation in; ForAnyValue does not, so that a Deny lets them pass. A warning where the outcome is the same by luck."
        remedy "Use the operator without ForAnyValue: or ForAllValues:."
        source "IAM user guide, Single-valued vs. multivalued context keys";
    AttestationIfExists "attestation-if-exists" Error "an attestation need not exist"
        because "…IfExists holds for a missing key: an Allow lets requests without attestation in. In a Deny a warning: a negated operator holds for a missing key by itself."
        remedy "Use the operator without IfExists."
        source "IAM user guide, …IfExists condition operators";
    HashComparison "hash-comparison" Warning "hashes are compared by case or by pattern"
        because "Attestation values are compared with StringEqualsIgnoreCase: a case-sensitive or pattern operator matches today's spelling by luck. An error for operators that do not compare texts."
        remedy "Use StringEqualsIgnoreCase, or StringNotEqualsIgnoreCase in a Deny."
        source "AWS KMS developer guide, Condition keys for AWS Nitro Enclaves";
    HashWildcard "hash-wildcard" Error "a hash is a pattern"
        because "A pattern accepts every image whose hash matches it; `*` accepts all."
        remedy "List the hashes of the accepted images."
        source "IAM user guide, String condition operators";
    HashPrefix "hash-prefix" Error "a hash begins with 0x"
        because "KMS compares with the plain hex digits of the attestation document: a value that begins with 0x never matches."
        remedy "Write the 96 hex digits alone."
        source "AWS KMS developer guide, Condition keys for AWS Nitro Enclaves";
    HashLength "hash-length" Error "a hash is not of 96 hex digits"
        because "PCRs are SHA-384 hashes: a value of another length never matches."
        remedy "Copy the value whole from `nitro-cli describe-eif`."
        source "AWS Nitro Enclaves user guide, Cryptographic attestation";
    HashNotHex "hash-not-hex" Error "a hash holds something else than hex digits"
        because "A value that is not hex never matches: a placeholder, or a slip."
        remedy "Copy the value from `nitro-cli describe-eif`."
        source "AWS KMS developer guide, Condition keys for AWS Nitro Enclaves";
    HashUpperCase "hash-upper-case" Note "a hash is written in upper case"
        because "KMS takes PCR values in lower case. An operator that ignores case matches nevertheless; a warning where the operator does not."
        remedy "Write the hash in lower case."
        source "AWS KMS developer guide, Condition keys for AWS Nitro Enclaves";
    DebugImageListed "debug-image-listed" Error "the hash of debug mode is listed"
        because "An enclave in debug mode has hashes of all zeros, whatever its image, and its parent reads its memory and console: everyone with the role's credentials gets in."
        remedy "Take the hash of zeros out."
        source "AWS Nitro Enclaves user guide, Cryptographic attestation (debug mode)";
    DenyUnconditional "deny-unconditional" Note "a Deny on attestation is unconditional for some actions"
        because "These actions never carry attestation, so that a Deny on missing attestation denies them always: Encrypt, ReEncrypt and the WithoutPlaintext operations are impossible, migration by ReEncrypt too. Safe, and other than it reads."
        remedy "Deny them in a statement of its own without condition, so that it reads as what it does."
        source "AWS KMS developer guide, Condition keys for AWS Nitro Enclaves";
    AllowNeverHolds "allow-never-holds" Warning "an Allow on attestation never holds for some actions"
        because "These actions never carry attestation, so that an Allow that demands it never allows them."
        remedy "Take the actions out of the statement."
        source "AWS KMS developer guide, Condition keys for AWS Nitro Enclaves";

    // The document (grammar.rs).
    VersionOld "version-old" Warning "the policy language is that of 2008"
        because "Without Version, or with 2008-10-17, AWS reads policy variables as plain text."
        remedy "Set Version to 2012-10-17."
        source "IAM user guide, IAM JSON policy elements: Version";
    SidDuplicate "sid-duplicate" Warning "two statements have the same Sid"
        because "Sids are to be unique within a policy: tools that edit a policy by Sid, and reports, mistake one statement for the other."
        remedy "Give each statement a Sid of its own."
        source "IAM user guide, IAM JSON policy elements: Sid";
    MemberUnknown "member-unknown" Error "the policy language has no such member"
        because "AWS refuses a policy with a member that the language does not have; a slip in a name such as Condition leaves the statement without it."
        remedy "Write the member that is meant."
        source "IAM user guide, Grammar of the IAM JSON policy language";
    DocumentTooLarge "document-too-large" Error "the policy is larger than 32 KiB"
        because "KMS refuses key policies beyond 32,768 bytes. Such a document is not probed for who gets in."
        remedy "Shorten the policy."
        source "AWS KMS developer guide, Resource quotas (key policy document size)";
    StatementWithoutEffect "statement-without-effect" Error "a statement has no effect"
        because "AWS accepts a key policy statement without Action or Resource, and ignores it. An error for a Deny, which protects nothing; a warning for an Allow."
        remedy "Complete the statement (in a key policy Resource is \"*\"), or take it out."
        source "AWS KMS API reference, PutKeyPolicy (Policy)";
    ActionUnknown "action-unknown" Warning "KMS has no such action"
        because "An action, or a pattern of actions, that matches no permission of KMS has no effect in a key policy."
        remedy "Write the action that is meant."
        source "Service Authorization Reference, AWS Key Management Service";
    ActionWithoutKey "action-without-key" Note "no key policy governs this action"
        because "GenerateRandom, ListKeys, CreateKey and their like use no key: IAM policies alone decide about them."
        remedy "Take the action out of the key policy, and govern it in IAM."
        source "AWS KMS developer guide, Permissions reference";
    EnclaveWildcard "enclave-wildcard" Error "an enclave's role has actions by wildcard"
        because "The parent instance holds the enclave role's credentials: whatever the role may do without attestation, the parent may."
        remedy "List the actions that the enclave needs: kms:Decrypt, and kms:GenerateDataKey (wrapping `attested`) or kms:Encrypt (wrapping `encrypt`)."
        source "pcrseal, key policies";
    NotAction "not-action" Error "NotAction is used"
        because "NotAction covers every action but the listed ones, with those that AWS adds later. An error in an Allow; a warning in a Deny."
        remedy "List the actions under Action."
        source "IAM user guide, IAM JSON policy elements: NotAction";
    NotPrincipal "not-principal" Error "NotPrincipal is used"
        because "In an Allow it lets everyone in but the listed ones, of every account. In a Deny (a warning) AWS documents the outcome as certain only where account, role and session are all listed."
        remedy "In an Allow, list the principals. In a Deny, use Principal \"*\" and ArnNotEquals on aws:PrincipalArn."
        source "IAM user guide, AWS JSON policy elements: NotPrincipal";
    NotResource "not-resource" Error "NotResource is used"
        because "A key policy has one resource, its key: a statement for every other resource covers nothing, or by a slip the key itself. An error in a Deny; a warning in an Allow."
        remedy "Use Resource \"*\", which is the key."
        source "AWS KMS developer guide, Key policies (Resource)";
    ResourceNamed "resource-named" Warning "a Deny names its key"
        because "In a key policy the one resource is its key. A Deny that names a key protects that one: put to another key, or with a slip in the ARN, it protects nothing. Where the key's ARN is known to this check, it says so by what is let in."
        remedy "Use Resource \"*\", which is the key."
        source "AWS KMS developer guide, Key policies (Resource)";
    PrincipalInvalid "principal-invalid" Error "a principal is not one that AWS accepts"
        because "A principal is \"*\", twelve digits, or the ARN of an account's root, a role, a session or a user that exists; a wildcard within an ARN is none. PutKeyPolicy refuses the policy."
        remedy "Write the whole ARN."
        source "IAM user guide, AWS JSON policy elements: Principal";
    PrincipalDeleted "principal-deleted" Warning "a principal has been deleted"
        because "AWS shows the unique id (AROA…, AIDA…) where a role or user that the policy named was deleted. It matches nobody, a new one of the same name neither; PutKeyPolicy refuses it."
        remedy "Take the id out, or name the principal that is meant."
        source "IAM user guide, IAM identifiers (unique identifiers)";

    // Several keys, several clusters (quorum.rs).
    QuorumAdministrator "quorum-administrator" Error "one principal governs a threshold of keys"
        because "Who may change the policies of as many keys as the threshold, or decrypt with them outside of the accepted images, has the secret: the quorum protects against nobody."
        remedy "Give each key an administrator of its own, in an account of its own where that can be."
        source "pcrseal, quorums";
    QuorumOpen "quorum-open" Error "a threshold of keys is open"
        because "As many keys as the threshold release their data without attestation, or to any image."
        remedy "Mend the policies of the keys."
        source "pcrseal, quorums";
    QuorumOneAccount "quorum-one-account" Note "one account governs a threshold of keys"
        because "Whoever governs IAM of that account, or is its root user, can let themselves into as many keys as the threshold."
        remedy "Spread the keys over accounts with different owners."
        source "pcrseal, quorums";
    QuorumImagesDiffer "quorum-images-differ" Warning "the keys accept different images"
        because "An image that some keys accept and others do not opens the blob or not, depending on which keys answer; a hash that was taken out at some keys only is still let in by the others."
        remedy "Put the same list of hashes on every key."
        source "pcrseal, rolling upgrades";
    RoleInTwoClusters "role-in-two-clusters" Error "two clusters share a role"
        because "Clusters share their image. With a role in common, the enclave of one decrypts the shares of the other."
        remedy "Give each cluster a role of its own, named after the cluster id."
        source "pcrseal, per-cluster roles";
    ClusterIdShared "cluster-id-shared" Error "two clusters share a cluster id"
        because "Roles and encryption contexts are told apart by the cluster id: with one in common, a blob of one cluster opens in the other."
        remedy "Give each cluster an id of its own."
        source "pcrseal, per-cluster roles";
    ClusterIdConvention "cluster-id-convention" Note "the cluster id does not follow ENVIRONMENT-REGION-PURPOSE"
        because "Ids such as prod-us-east-1-mainnet are hard to give twice."
        remedy "Name clusters ENVIRONMENT-REGION-PURPOSE."
        source "pcrseal, per-cluster roles";
    ClusterContextDiffers "cluster-context-differs" Error "a policy is bound to another cluster"
        because "The condition on kms:EncryptionContext:pcrseal:cluster lists another cluster id than that of the quorum: this cluster's shares are refused, or another's are let in."
        remedy "Write the id of the cluster that the key belongs to."
        source "AWS KMS developer guide, Encryption context";
}
