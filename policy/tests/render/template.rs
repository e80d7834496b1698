//! The profiles `five-statement` and `multi-pcr`: the page's template, to the letter.

use std::path::PathBuf;

use pcrseal_core::error::Code;
use pcrseal_core::names::{ClusterId, Wrapping};
use pcrseal_core::pcr::PcrSet;
use pcrseal_policy::document::{PolicyDocument, Values};
use pcrseal_policy::json::Json;
use pcrseal_policy::render::{Profile, Release, Template};

use crate::common::{account, cluster, code, golden, index, pcr};

fn five_statement() -> Template {
    let current = Release::enclave(pcr('a')).unwrap();
    Template::five_statement(account(), cluster(), current).unwrap().wrapping(Wrapping::Encrypt)
}

fn previous() -> Release {
    Release::enclave(pcr('b')).unwrap()
}

/// An image with its application and its signing certificate.
fn signed(image: char, application: char) -> Release {
    let release = Release::enclave(pcr(image)).unwrap();
    release.accept(index(2), pcr(application)).unwrap().accept(index(8), pcr('8')).unwrap()
}

fn multi_pcr() -> Template {
    let template = Template::multi_pcr(account(), cluster(), signed('a', 'c')).unwrap();
    template.wrapping(Wrapping::Encrypt)
}

/// The template as the page prints it, with its placeholders.
fn page() -> Option<String> {
    let seed = "../../shared/seeds/tee-auto-unseal-kms-policy.txt";
    let Ok(page) = std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(seed)) else {
        assert!(std::env::var_os("CI").is_none(), "CI needs ../shared/seeds");
        println!("skipped: no ../shared/seeds beside this checkout");
        return None;
    };
    Some(page)
}

/// The placeholders, filled in.
fn filled(template: &str) -> String {
    let [a, b] = [pcr('a'), pcr('b')].map(|value| value.to_string());
    template
        .replace("<account>", "111122223333")
        .replace("<cluster-id>", "prod-us-east-1-mainnet")
        .replace("<current release ImageSha384 hex>", &a)
        .replace("<previous release ImageSha384 hex (during rollover only)>", &b)
        .replace("<curr>", &a)
        .replace("<prev>", &b)
        .replace("<application binary hex>", &pcr('c').to_string())
        .replace("<signing cert hex>", &pcr('8').to_string())
}

#[test]
fn the_pages_template_statement_by_statement() {
    let Some(page) = page() else { return };
    let start = page.find("{ \"Version\"").unwrap();
    let end = page.find("Why each Statement exists").unwrap();
    let template = Json::parse(&filled(&page[start..end])).unwrap();
    let ours = five_statement().previous(previous()).unwrap().render().unwrap();
    // Members, their order, and what is a list and what is not.
    assert_eq!(ours.document.to_json().to_compact(), template.to_compact());
    assert_eq!(ours.document, PolicyDocument::parse(&template.to_compact()).unwrap());
}

#[test]
fn the_pages_multi_pcr_variant() {
    let Some(page) = page() else { return };
    let variant = page.split("variant (defense-in-depth):").nth(1).unwrap();
    let end = variant.find("Per-cluster").unwrap();
    let variant = Json::parse(&filled(&format!("{{{}}}", &variant[..end]))).unwrap();
    let ours = multi_pcr().previous(signed('b', 'c')).unwrap().render().unwrap();
    let Json::Object(document) = ours.document.to_json() else { panic!("an object") };
    let Json::Array(statements) = &document[1].1 else { panic!("statements") };
    let Json::Object(decrypt) = &statements[2] else { panic!("an object") };
    let condition = Json::Object(decrypt.iter().filter(|(name, _)| name == "Condition").cloned().collect());
    assert_eq!(condition.to_compact(), variant.to_compact());
}

#[test]
fn multi_pcr_differs_in_the_third_statement_alone() {
    let five = five_statement().render().unwrap().document.statements;
    let multi = multi_pcr().render().unwrap().document.statements;
    let differing: Vec<usize> = (0..5).filter(|&position| five[position] != multi[position]).collect();
    assert_eq!((five.len(), multi.len(), differing), (5, 5, vec![2]));
    let third = |statements: &[pcrseal_policy::document::Statement]| pcrseal_policy::document::Statement {
        conditions: Vec::new(),
        ..statements[2].clone()
    };
    assert_eq!(third(&five), third(&multi));
}

#[test]
fn during_a_rollover_both_applications_are_listed() {
    let rendered = multi_pcr().previous(signed('b', 'd')).unwrap().render().unwrap();
    let conditions = &rendered.document.statements[2].conditions;
    assert_eq!(conditions[1].key, "kms:RecipientAttestation:PCR2");
    assert_eq!(conditions[1].values, Values::many([pcr('c').to_string(), pcr('d').to_string()]));
    assert_eq!(conditions[2].values, Values::One(pcr('8').to_string()));
}

#[test]
fn golden_files() {
    golden("five-statement", &five_statement().render().unwrap());
    golden("five-statement-rollover", &five_statement().previous(previous()).unwrap().render().unwrap());
    golden("multi-pcr", &multi_pcr().render().unwrap());
    golden("multi-pcr-rollover", &multi_pcr().previous(signed('b', 'd')).unwrap().render().unwrap());
}

#[test]
fn names_partition_and_terraform_name_are_parameters() {
    let template = five_statement().partition("aws-cn").administrator_role("ops/KeyAdmin");
    let rendered =
        template.enclave_role_prefix("Enclave-").terraform_name("share_2").unwrap().render().unwrap();
    let principals: Vec<String> = rendered.document.statements[..4]
        .iter()
        .flat_map(|statement| statement.principals.as_ref().unwrap().listed().aws_values())
        .map(str::to_owned)
        .collect();
    assert_eq!(
        principals,
        [
            "arn:aws-cn:iam::111122223333:root",
            "arn:aws-cn:iam::111122223333:role/ops/KeyAdmin",
            "arn:aws-cn:iam::111122223333:role/Enclave-prod-us-east-1-mainnet",
            "arn:aws-cn:iam::111122223333:role/Enclave-prod-us-east-1-mainnet",
        ]
    );
    assert!(rendered.terraform.contains("data \"aws_iam_policy_document\" \"share_2\" {\n"));
    assert!(rendered.terraform.contains("resource \"aws_kms_key\" \"share_2\" {\n"));
    assert!(rendered.terraform.contains("= data.aws_iam_policy_document.share_2.json\n"));
}

#[test]
fn attested_wrapping_is_refused_and_is_the_default() {
    for template in [five_statement(), multi_pcr()] {
        let refused = template.wrapping(Wrapping::Attested).render().unwrap_err();
        assert_eq!(refused.code(), Code::ProfileWrapping);
        let sentence = "permits Encrypt and grants no GenerateDataKey, so it fits only `encrypt` wrapping";
        assert!(refused.to_string().contains(sentence), "{refused}");
    }
    let default = Template::five_statement(account(), cluster(), previous()).unwrap();
    assert_eq!(code(default.render()), Code::ProfileWrapping);
}

#[test]
fn releases_of_other_pcrs_are_refused() {
    let five = |release| Template::five_statement(account(), cluster(), release);
    let multi = |release| Template::multi_pcr(account(), cluster(), release);
    let tpm = Release::nitro_tpm(&PcrSet::from_iter([(index(0), pcr('a'))])).unwrap();
    assert_eq!(code(five(signed('a', 'c'))), Code::ReleasePcrs);
    assert_eq!(code(five(tpm)), Code::ReleasePcrs);
    assert_eq!(code(multi(Release::enclave(pcr('a')).unwrap())), Code::ReleasePcrs);
    assert_eq!(code(multi(signed('a', 'c').accept(index(1), pcr('1')).unwrap())), Code::ReleasePcrs);
    assert_eq!(code(five_statement().previous(signed('b', 'c'))), Code::ReleaseMismatch);
    assert_eq!(code(five_statement().previous(Release::enclave(pcr('a')).unwrap())), Code::ReleaseMismatch);
}

#[test]
fn what_makes_no_role_is_refused() {
    assert_eq!(code(five_statement().administrator_role("*").render()), Code::PrincipalArn);
    assert_eq!(code(five_statement().administrator_role("").render()), Code::PrincipalArn);
    assert_eq!(code(five_statement().partition("AWS").render()), Code::PrincipalArn);
    let enclave = "ops/ChamberEnclaveRole-prod-us-east-1-mainnet";
    assert_eq!(code(five_statement().administrator_role(enclave).render()), Code::PolicyRole);
    // 19 and 46 characters: a role's name has 64.
    let long = ClusterId::new(&"x".repeat(46)).unwrap();
    let template = Template::five_statement(account(), long, previous()).unwrap().wrapping(Wrapping::Encrypt);
    assert_eq!(code(template.render()), Code::PrincipalArn);
}

#[test]
fn terraform_names() {
    for name in ["", "1a", "-a", "a.b", "a b", "a\"", "\u{e4}"] {
        assert_eq!(code(five_statement().terraform_name(name)), Code::TerraformName, "{name:?}");
    }
}

#[test]
fn profile_names_round_trip() {
    for profile in Profile::ALL {
        assert_eq!(Profile::from_name(profile.name()), Some(profile));
    }
    assert_eq!(Profile::from_name("Hardened"), None);
    assert_eq!(Profile::default(), Profile::Hardened);
}
