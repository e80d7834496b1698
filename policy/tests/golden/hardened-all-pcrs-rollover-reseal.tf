data "aws_iam_policy_document" "pcrseal" {
  version   = "2012-10-17"
  policy_id = "pcrseal-hardened-v1"

  statement {
    sid    = "AllowBreakGlass"
    effect = "Allow"
    actions = [
      "kms:CancelKeyDeletion",
      "kms:DescribeKey",
      "kms:GetKeyPolicy",
      "kms:PutKeyPolicy",
    ]
    resources = [
      "*",
    ]

    principals {
      type = "AWS"
      identifiers = [
        "arn:aws:iam::111122223333:root",
      ]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:PrincipalArn"
      values = [
        "arn:aws:iam::111122223333:root",
      ]
    }
  }

  statement {
    sid    = "AllowKeyAdministration"
    effect = "Allow"
    actions = [
      "kms:CancelKeyDeletion",
      "kms:CreateAlias",
      "kms:DeleteAlias",
      "kms:DescribeKey",
      "kms:DisableKey",
      "kms:DisableKeyRotation",
      "kms:EnableKey",
      "kms:EnableKeyRotation",
      "kms:GetKeyPolicy",
      "kms:GetKeyRotationStatus",
      "kms:ListGrants",
      "kms:ListKeyPolicies",
      "kms:ListResourceTags",
      "kms:PutKeyPolicy",
      "kms:RevokeGrant",
      "kms:TagResource",
      "kms:UntagResource",
      "kms:UpdateAlias",
      "kms:UpdateKeyDescription",
    ]
    resources = [
      "*",
    ]

    principals {
      type = "AWS"
      identifiers = [
        "arn:aws:iam::111122223333:role/ChamberKmsKeyAdmin",
      ]
    }
  }

  statement {
    sid    = "AllowEnclaveDescribeKey"
    effect = "Allow"
    actions = [
      "kms:DescribeKey",
    ]
    resources = [
      "*",
    ]

    principals {
      type = "AWS"
      identifiers = [
        "arn:aws:iam::111122223333:role/ChamberEnclaveRole-prod-us-east-1-mainnet",
      ]
    }
  }

  statement {
    sid    = "AllowEnclaveDecrypt"
    effect = "Allow"
    actions = [
      "kms:Decrypt",
    ]
    resources = [
      "*",
    ]

    principals {
      type = "AWS"
      identifiers = [
        "arn:aws:iam::111122223333:role/ChamberEnclaveRole-prod-us-east-1-mainnet",
      ]
    }

    condition {
      test     = "StringEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:ImageSha384"
      values = [
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      ]
    }

    condition {
      test     = "StringEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR1"
      values = [
        "111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111",
      ]
    }

    condition {
      test     = "StringEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR2"
      values = [
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      ]
    }

    condition {
      test     = "StringEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR3"
      values = [
        "a4fef0f1a3a089add22cf1211bbc394109648baac9b5ec2be78a7ce2580c2f6341b6fe27a27957a9bd106c225859ccb9",
      ]
    }

    condition {
      test     = "StringEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR4"
      values = [
        "08f996b5d43e047a9eb51e7f548bfee7e164fd7dc8f65541f2ac09d6545ac812719327281c401a67a10fcba87ae79ce0",
        "b971d7167bc71594a85a86d7c44d6e99e87e39d551247d3d2f1a77b952444064989d60c1f73cb96ad4fd7444568e4042",
      ]
    }

    condition {
      test     = "StringEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR8"
      values = [
        "888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888",
      ]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:pcrseal:cluster"
      values = [
        "prod-us-east-1-mainnet",
      ]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:pcrseal:generation"
      values = [
        "3",
        "4",
      ]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:pcrseal:v"
      values = [
        "1",
      ]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:pcrseal:wrapping"
      values = [
        "attested",
      ]
    }

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "kms:EncryptionContextKeys"
      values = [
        "pcrseal:cluster",
        "pcrseal:generation",
        "pcrseal:seal-id",
        "pcrseal:share",
        "pcrseal:v",
        "pcrseal:wrapping",
      ]
    }
  }

  statement {
    sid    = "AllowPreviousEnclaveDecrypt"
    effect = "Allow"
    actions = [
      "kms:Decrypt",
    ]
    resources = [
      "*",
    ]

    principals {
      type = "AWS"
      identifiers = [
        "arn:aws:iam::111122223333:role/ChamberEnclaveRole-prod-us-east-1-mainnet",
      ]
    }

    condition {
      test     = "StringEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:ImageSha384"
      values = [
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
      ]
    }

    condition {
      test     = "StringEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR1"
      values = [
        "111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111",
      ]
    }

    condition {
      test     = "StringEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR2"
      values = [
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
      ]
    }

    condition {
      test     = "StringEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR3"
      values = [
        "a4fef0f1a3a089add22cf1211bbc394109648baac9b5ec2be78a7ce2580c2f6341b6fe27a27957a9bd106c225859ccb9",
      ]
    }

    condition {
      test     = "StringEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR4"
      values = [
        "08f996b5d43e047a9eb51e7f548bfee7e164fd7dc8f65541f2ac09d6545ac812719327281c401a67a10fcba87ae79ce0",
        "b971d7167bc71594a85a86d7c44d6e99e87e39d551247d3d2f1a77b952444064989d60c1f73cb96ad4fd7444568e4042",
      ]
    }

    condition {
      test     = "StringEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR8"
      values = [
        "888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888",
      ]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:pcrseal:cluster"
      values = [
        "prod-us-east-1-mainnet",
      ]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:pcrseal:generation"
      values = [
        "3",
        "4",
      ]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:pcrseal:v"
      values = [
        "1",
      ]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:pcrseal:wrapping"
      values = [
        "attested",
      ]
    }

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "kms:EncryptionContextKeys"
      values = [
        "pcrseal:cluster",
        "pcrseal:generation",
        "pcrseal:seal-id",
        "pcrseal:share",
        "pcrseal:v",
        "pcrseal:wrapping",
      ]
    }
  }

  statement {
    sid    = "AllowEnclaveGenerateDataKey"
    effect = "Allow"
    actions = [
      "kms:GenerateDataKey",
    ]
    resources = [
      "*",
    ]

    principals {
      type = "AWS"
      identifiers = [
        "arn:aws:iam::111122223333:role/ChamberEnclaveRole-prod-us-east-1-mainnet",
      ]
    }

    condition {
      test     = "StringEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:ImageSha384"
      values = [
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      ]
    }

    condition {
      test     = "StringEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR1"
      values = [
        "111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111",
      ]
    }

    condition {
      test     = "StringEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR2"
      values = [
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      ]
    }

    condition {
      test     = "StringEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR3"
      values = [
        "a4fef0f1a3a089add22cf1211bbc394109648baac9b5ec2be78a7ce2580c2f6341b6fe27a27957a9bd106c225859ccb9",
      ]
    }

    condition {
      test     = "StringEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR4"
      values = [
        "08f996b5d43e047a9eb51e7f548bfee7e164fd7dc8f65541f2ac09d6545ac812719327281c401a67a10fcba87ae79ce0",
        "b971d7167bc71594a85a86d7c44d6e99e87e39d551247d3d2f1a77b952444064989d60c1f73cb96ad4fd7444568e4042",
      ]
    }

    condition {
      test     = "StringEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR8"
      values = [
        "888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888",
      ]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:pcrseal:cluster"
      values = [
        "prod-us-east-1-mainnet",
      ]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:pcrseal:generation"
      values = [
        "3",
        "4",
      ]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:pcrseal:v"
      values = [
        "1",
      ]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:pcrseal:wrapping"
      values = [
        "attested",
      ]
    }

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "kms:EncryptionContextKeys"
      values = [
        "pcrseal:cluster",
        "pcrseal:generation",
        "pcrseal:seal-id",
        "pcrseal:share",
        "pcrseal:v",
        "pcrseal:wrapping",
      ]
    }
  }

  statement {
    sid    = "DenyOtherImageSha384"
    effect = "Deny"
    actions = [
      "kms:Decrypt",
      "kms:DeriveSharedSecret",
      "kms:GenerateDataKey",
      "kms:GenerateDataKeyPair",
    ]
    resources = [
      "*",
    ]

    principals {
      type = "*"
      identifiers = [
        "*",
      ]
    }

    condition {
      test     = "StringNotEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:ImageSha384"
      values = [
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
      ]
    }
  }

  statement {
    sid    = "DenyOtherPCR1"
    effect = "Deny"
    actions = [
      "kms:Decrypt",
      "kms:DeriveSharedSecret",
      "kms:GenerateDataKey",
      "kms:GenerateDataKeyPair",
    ]
    resources = [
      "*",
    ]

    principals {
      type = "*"
      identifiers = [
        "*",
      ]
    }

    condition {
      test     = "StringNotEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR1"
      values = [
        "111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111",
      ]
    }
  }

  statement {
    sid    = "DenyOtherPCR2"
    effect = "Deny"
    actions = [
      "kms:Decrypt",
      "kms:DeriveSharedSecret",
      "kms:GenerateDataKey",
      "kms:GenerateDataKeyPair",
    ]
    resources = [
      "*",
    ]

    principals {
      type = "*"
      identifiers = [
        "*",
      ]
    }

    condition {
      test     = "StringNotEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR2"
      values = [
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
      ]
    }
  }

  statement {
    sid    = "DenyOtherPCR3"
    effect = "Deny"
    actions = [
      "kms:Decrypt",
      "kms:DeriveSharedSecret",
      "kms:GenerateDataKey",
      "kms:GenerateDataKeyPair",
    ]
    resources = [
      "*",
    ]

    principals {
      type = "*"
      identifiers = [
        "*",
      ]
    }

    condition {
      test     = "StringNotEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR3"
      values = [
        "a4fef0f1a3a089add22cf1211bbc394109648baac9b5ec2be78a7ce2580c2f6341b6fe27a27957a9bd106c225859ccb9",
      ]
    }
  }

  statement {
    sid    = "DenyOtherPCR4"
    effect = "Deny"
    actions = [
      "kms:Decrypt",
      "kms:DeriveSharedSecret",
      "kms:GenerateDataKey",
      "kms:GenerateDataKeyPair",
    ]
    resources = [
      "*",
    ]

    principals {
      type = "*"
      identifiers = [
        "*",
      ]
    }

    condition {
      test     = "StringNotEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR4"
      values = [
        "08f996b5d43e047a9eb51e7f548bfee7e164fd7dc8f65541f2ac09d6545ac812719327281c401a67a10fcba87ae79ce0",
        "b971d7167bc71594a85a86d7c44d6e99e87e39d551247d3d2f1a77b952444064989d60c1f73cb96ad4fd7444568e4042",
      ]
    }
  }

  statement {
    sid    = "DenyOtherPCR8"
    effect = "Deny"
    actions = [
      "kms:Decrypt",
      "kms:DeriveSharedSecret",
      "kms:GenerateDataKey",
      "kms:GenerateDataKeyPair",
    ]
    resources = [
      "*",
    ]

    principals {
      type = "*"
      identifiers = [
        "*",
      ]
    }

    condition {
      test     = "StringNotEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR8"
      values = [
        "888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888",
      ]
    }
  }

  statement {
    sid    = "DenyOtherClusters"
    effect = "Deny"
    actions = [
      "kms:Decrypt",
      "kms:GenerateDataKey",
    ]
    resources = [
      "*",
    ]

    principals {
      type = "*"
      identifiers = [
        "*",
      ]
    }

    condition {
      test     = "StringNotEquals"
      variable = "kms:EncryptionContext:pcrseal:cluster"
      values = [
        "prod-us-east-1-mainnet",
      ]
    }
  }

  statement {
    sid    = "DenyOtherGenerations"
    effect = "Deny"
    actions = [
      "kms:Decrypt",
      "kms:GenerateDataKey",
    ]
    resources = [
      "*",
    ]

    principals {
      type = "*"
      identifiers = [
        "*",
      ]
    }

    condition {
      test     = "StringNotEquals"
      variable = "kms:EncryptionContext:pcrseal:generation"
      values = [
        "3",
        "4",
      ]
    }
  }

  statement {
    sid    = "DenyOtherDataOps"
    effect = "Deny"
    actions = [
      "kms:Encrypt",
      "kms:GenerateDataKeyPair",
      "kms:GenerateDataKeyPairWithoutPlaintext",
      "kms:GenerateDataKeyWithoutPlaintext",
      "kms:ReEncryptFrom",
      "kms:ReEncryptTo",
    ]
    resources = [
      "*",
    ]

    principals {
      type = "*"
      identifiers = [
        "*",
      ]
    }
  }

  statement {
    sid    = "DenyGrantsAndReplicas"
    effect = "Deny"
    actions = [
      "kms:CreateGrant",
      "kms:ReplicateKey",
    ]
    resources = [
      "*",
    ]

    principals {
      type = "*"
      identifiers = [
        "*",
      ]
    }
  }
}

resource "aws_kms_key" "pcrseal" {
  description                        = "pcrseal: a share key of cluster prod-us-east-1-mainnet"
  key_usage                          = "ENCRYPT_DECRYPT"
  customer_master_key_spec           = "SYMMETRIC_DEFAULT"
  multi_region                       = false
  enable_key_rotation                = true
  deletion_window_in_days            = 30
  bypass_policy_lockout_safety_check = false
  policy                             = data.aws_iam_policy_document.pcrseal.json

  lifecycle {
    ignore_changes = [is_enabled]
  }
}
