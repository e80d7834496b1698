//! The README's C and Go are pieces of the examples that `scripts/test-c.sh` and `scripts/test-go.sh` run.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

/// The lines of a text without their indentation.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).collect()
}

/// The fenced blocks of a language.
fn blocks<'a>(markdown: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    markdown.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// The texts of the files with an extension, below a folder.
fn files(folder: &Path, extension: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            texts.push(fs::read_to_string(path).unwrap());
        }
    }
    texts
}

#[test]
fn what_the_readme_shows_stands_in_an_example() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(repository.join("README.md")).unwrap();
    for language in ["c", "go"] {
        let examples = files(&repository.join("examples").join(language), language);
        let shown = blocks(&readme, language);
        assert!(!shown.is_empty(), "the README has no {language}");
        for block in shown {
            let block = lines(block);
            let stands = |example: &String| lines(example).windows(block.len()).any(|window| window == block);
            assert!(examples.iter().any(stands), "in no example:\n{}", block.join("\n"));
        }
    }
}
