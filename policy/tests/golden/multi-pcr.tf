data "aws_iam_policy_document" "pcrseal" {
  version = "2012-10-17"

  statement {
    sid    = "EnableIAMRootPermissionsBreakGlass"
    effect = "Allow"
    actions = [
      "kms:*",
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
  }

  statement {
    sid    = "AllowKeyAdministrators"
    effect = "Allow"
    actions = [
      "kms:Create*",
      "kms:Describe*",
      "kms:Enable*",
      "kms:List*",
      "kms:Put*",
      "kms:Update*",
      "kms:Revoke*",
      "kms:Disable*",
      "kms:Get*",
      "kms:Delete*",
      "kms:TagResource",
      "kms:UntagResource",
      "kms:ScheduleKeyDeletion",
      "kms:CancelKeyDeletion",
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
    sid    = "AllowChamberEnclaveDecryptWithAttestation"
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
      variable = "kms:RecipientAttestation:PCR2"
      values = [
        "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
      ]
    }

    condition {
      test     = "StringEqualsIgnoreCase"
      variable = "kms:RecipientAttestation:PCR8"
      values = [
        "888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888",
      ]
    }
  }

  statement {
    sid    = "AllowChamberEnclaveEncryptForWrapping"
    effect = "Allow"
    actions = [
      "kms:Encrypt",
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
    sid    = "DenyDataOpsWithoutAttestation"
    effect = "Deny"
    actions = [
      "kms:Decrypt",
      "kms:GenerateDataKey",
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

    condition {
      test     = "Null"
      variable = "kms:RecipientAttestation:ImageSha384"
      values = [
        "true",
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
