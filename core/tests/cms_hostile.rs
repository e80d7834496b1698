//! Hostile CMS: truncated, altered, inflated and nested input; never a panic, never memory beyond a few times
//! the input, never the true plaintext out of altered bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]
#![allow(unreachable_pub)] // the shared modules' items

mod cms_writer;

use std::ops::Range;

use allocation_counter::measure;
use cms_writer::{
    FixedKey, Form, IV, Node, OUTER_LEVELS, SKI, encrypt, encrypt_key, message, message_for_fixed_key,
    message_of, pad,
};
use pcrseal_core::cms::EnvelopedData;
use pcrseal_core::crypto::aws_lc;
use pcrseal_core::error::{Code, Error};
use pcrseal_core::limits::MAX_CIPHERTEXT_FOR_RECIPIENT_LEN;
use pcrseal_core::recipient::Recipient;
use sha2::{Digest, Sha256};

const PLAINTEXT: &[u8; 32] = b"a data key of exactly 32 bytes..";

/// Messages of every form, outer lengths indefinite and definite.
fn shapes() -> Vec<Node> {
    let ciphertext = encrypt(&pad(PLAINTEXT));
    let forms = [
        Form::Primitive,
        Form::Constructed { chunk: 48, indefinite: true },
        Form::Constructed { chunk: 20, indefinite: false },
    ];
    let mut all = Vec::new();
    for form in forms {
        for indefinite in [true, false] {
            let mut message = message_of(&Sha256::digest(FixedKey::SPKI), &[0x5a; 256], &ciphertext, form);
            for level in OUTER_LEVELS {
                message.at(level).set_indefinite(indefinite);
            }
            all.push(message);
        }
    }
    all
}

fn fixed_recipient() -> Recipient {
    Recipient::from_key(Box::new(FixedKey(Some(cms_writer::CEK.to_vec()))))
}

fn position_of(haystack: &[u8], needle: &[u8]) -> Range<usize> {
    let mut found = haystack.windows(needle.len()).enumerate().filter(|(_, window)| *window == needle);
    let (start, _) = found.next().unwrap();
    assert!(found.next().is_none(), "found once");
    start..start + needle.len()
}

#[test]
fn truncation_at_every_byte() {
    let recipient = fixed_recipient();
    for message in shapes() {
        let bytes = message.encode();
        assert_eq!(recipient.open(&bytes).unwrap().expose(), PLAINTEXT);
        for len in 1..bytes.len() {
            assert_eq!(recipient.open(&bytes[..len]).unwrap_err().code(), Code::CmsTruncated, "{len}");
        }
    }
}

#[test]
fn every_bit_flipped() {
    // A real key, so that flips in the encrypted key meet a real OAEP.
    let recipient = Recipient::generate(&aws_lc::BACKEND).unwrap();
    let spki = recipient.public_key_der();
    let encrypted_key = encrypt_key(spki, &cms_writer::CEK);
    let identifier = Sha256::digest(spki);
    let ciphertext = encrypt(&pad(PLAINTEXT));
    let form = Form::Constructed { chunk: 1000, indefinite: true };
    let bytes = message_of(&identifier, &encrypted_key, &ciphertext, form).encode();

    let identifier = position_of(&bytes, &identifier);
    let key = position_of(&bytes, &encrypted_key);
    let iv = position_of(&bytes, &IV);
    let content = position_of(&bytes, &ciphertext);

    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[position] ^= 1 << bit;
            let outcome = recipient.open(&altered);
            let place = format!("byte {position}, bit {bit}: {outcome:?}");
            if identifier.contains(&position) {
                assert_eq!(outcome.unwrap_err().code(), Code::CmsForeignRecipient, "{place}");
            } else if key.contains(&position) {
                assert_eq!(outcome.unwrap_err(), Error::new(Code::Rejected), "{place}");
            } else if iv.contains(&position) {
                // CBC without authentication: a bit of the IV is a bit of the first block.
                let mut expected = *PLAINTEXT;
                expected[position - iv.start] ^= 1 << bit;
                assert_eq!(outcome.unwrap().expose(), expected, "{place}");
            } else if content.contains(&position) {
                // The block becomes noise, the next one has one bit flipped; the last but one's is padding.
                match outcome {
                    Ok(plaintext) => assert_ne!(plaintext.expose(), PLAINTEXT, "{place}"),
                    Err(error) => assert_eq!(error, Error::new(Code::Rejected), "{place}"),
                }
            } else {
                let number = outcome.unwrap_err().code().number();
                assert!((1401..=1420).contains(&number), "{place}");
            }
        }
    }
}

#[test]
fn every_byte_replaced_inserted_removed_and_doubled() {
    let recipient = fixed_recipient();
    for message in shapes() {
        let bytes = message.encode();
        let iv = position_of(&bytes, &IV);
        let key = position_of(&bytes, &[0x5a; 256]);
        let ciphertext = encrypt(&pad(PLAINTEXT));
        for position in 0..bytes.len() {
            for value in [0x00, 0x01, 0x04, 0x30, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xff] {
                let mut inserted = bytes.clone();
                inserted.insert(position, value);
                assert!(recipient.open(&inserted).is_err(), "inserted {value} at {position}");

                let mut replaced = bytes.clone();
                replaced[position] = value;
                // The stand-in key decrypts whatever the encrypted key is.
                if replaced != bytes && !key.contains(&position) {
                    let outcome = recipient.open(&replaced);
                    let same = outcome.as_ref().is_ok_and(|plaintext| plaintext.expose() == PLAINTEXT);
                    assert!(!same, "replaced by {value} at {position}");
                    let structure = outcome.is_ok() && !iv.contains(&position);
                    let in_content = EnvelopedData::parse(&replaced).is_ok_and(|envelope| {
                        let joined: Vec<u8> = envelope.encrypted_content().flatten().copied().collect();
                        joined.iter().zip(&ciphertext).filter(|(a, b)| a != b).count() == 1
                    });
                    assert!(!structure || in_content, "replaced by {value} at {position}");
                }
            }
            let mut removed = bytes.clone();
            removed.remove(position);
            assert!(recipient.open(&removed).is_err(), "removed at {position}");
        }
        let doubled = [bytes.as_slice(), &bytes].concat();
        assert_eq!(recipient.open(&doubled).unwrap_err().code(), Code::CmsTrailing);
    }
}

/// Gives the length octets to write in place of the right ones.
type BlowUp<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

#[test]
fn every_length_blown_up() {
    let recipient = fixed_recipient();
    for message in shapes() {
        let good = message.encode();
        let mut elements = 0;
        message.encode_with(&mut |_, length| {
            elements += 1;
            length
        });
        assert!(elements >= 29, "{elements} elements");
        for element in 0..elements {
            let blown_up: [BlowUp<'_>; 17] = [
                &|_| vec![0x7f],
                &|_| vec![0x80],
                &|_| vec![0x81, 0xff],
                &|_| vec![0x81, 0x00],
                &|_| vec![0x82, 0xff, 0xff],
                &|_| vec![0x82, 0x00, 0x20],
                &|_| vec![0x83, 0xff, 0xff, 0xff],
                &|_| vec![0x84, 0xff, 0xff, 0xff, 0xff],
                &|_| vec![0x84, 0x7f, 0xff, 0xff, 0xff],
                &|_| [&[0x88][..], &[0xff; 8]].concat(),
                &|_| [&[0xfe][..], &[0xff; 126]].concat(),
                &|_| vec![0xff],
                // The right length in longer forms than it needs.
                &|length| match length {
                    [short @ 0..0x80] => vec![0x81, *short],
                    [0x81, long] => vec![0x82, 0, *long],
                    [0x82, high, low] => vec![0x83, 0, *high, *low],
                    _ => vec![0x81, 0x80],
                },
                &|length| match length {
                    [short @ 0..0x80] => vec![0x84, 0, 0, 0, *short],
                    [0x81, long] => vec![0x84, 0, 0, 0, *long],
                    [0x82, high, low] => vec![0x84, 0, 0, *high, *low],
                    _ => vec![0x82, 0x80],
                },
                // One more and one less, whatever the form.
                &|length| with_last(length, 1),
                &|length| with_last(length, 0xff),
                &|_| Vec::new(),
            ];
            for (kind, blow_up) in blown_up.iter().enumerate() {
                let bytes = message.encode_with(&mut |number, length| {
                    if number == element { blow_up(&length) } else { length }
                });
                if bytes == good {
                    continue; // an indefinite length stays one, a length of 0x7f is none here
                }
                let outcome = recipient.open(&bytes);
                assert!(outcome.is_err(), "element {element}, kind {kind}");
                let number = outcome.unwrap_err().code().number();
                assert!((1401..=1421).contains(&number), "element {element}, kind {kind}: {number}");
            }
        }
    }
}

fn with_last(length: &[u8], added: u8) -> Vec<u8> {
    let mut length = length.to_vec();
    let last = length.last_mut().unwrap();
    *last = last.wrapping_add(added);
    length
}

/// Nested as deep as the size allows, and to a depth of 10,000 beyond it.
fn nested() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for depth in [10, 1_000, 3_000, 10_000] {
        for opening in
            [&[0x30, 0x80][..], &[0xa0, 0x80], &[0x31, 0x80], &[0x24, 0x80], &[0x30, 0x82, 0x10, 0x00]]
        {
            let open = opening.repeat(depth);
            all.push(open.clone());
            all.push([open.as_slice(), &vec![0; depth * 2]].concat());
            // Behind a good beginning: in place of each element of a good message.
            for path in [&[1][..], &[1, 0], &[1, 0, 1], &[1, 0, 1, 0, 2, 1], &[1, 0, 2, 2]] {
                let mut message = message_for_fixed_key(&pad(PLAINTEXT));
                *message.at(path) = cms_writer::leaf(0x77, b"here");
                let bytes = message.encode();
                let place = position_of(&bytes, b"\x77\x04here");
                all.push([&bytes[..place.start], &open, &bytes[place.end..]].concat());
            }
        }
    }
    all
}

#[test]
fn nesting_to_a_depth_of_ten_thousand() {
    for bytes in nested() {
        let code = EnvelopedData::parse(&bytes).unwrap_err().code();
        assert_eq!(code == Code::CmsSize, bytes.len() > MAX_CIPHERTEXT_FOR_RECIPIENT_LEN, "{code}");
    }
}

#[test]
fn reading_allocates_nothing() {
    let mut inputs = nested();
    for message in shapes() {
        let bytes = message.encode();
        inputs.extend((0..bytes.len()).map(|len| bytes[..len].to_vec()));
        for position in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[position] = 0xff;
            inputs.push(altered);
        }
        inputs.push(bytes);
    }
    for bytes in inputs {
        let used = measure(|| drop(EnvelopedData::parse(&bytes)));
        assert_eq!(used.count_total, 0, "{} bytes", bytes.len());
    }
}

#[test]
fn opening_allocates_the_content_once() {
    let recipient = Recipient::generate(&aws_lc::BACKEND).unwrap();
    let content = pad(&[7; 5599]);
    for chunk in [1000, 16, 5600] {
        let ciphertext = encrypt(&content);
        let identifier = Sha256::digest(recipient.public_key_der());
        let key = encrypt_key(recipient.public_key_der(), &cms_writer::CEK);
        let form = Form::Constructed { chunk, indefinite: true };
        let bytes = message_of(&identifier, &key, &ciphertext, form).encode();
        if bytes.len() > MAX_CIPHERTEXT_FOR_RECIPIENT_LEN {
            assert_eq!(chunk, 16, "short chunks alone make it too long");
            continue;
        }
        let used = measure(|| assert_eq!(recipient.open(&bytes).unwrap().len(), 5599));
        // The content, the OAEP buffer and the key.
        assert!(used.bytes_max <= (content.len() + 256 + 32) as u64, "{used:?}");
        assert!(used.count_total <= 4, "{used:?}");
    }
}

#[test]
fn noise_is_refused() {
    let random = aws_lc::BACKEND.random;
    let recipient = fixed_recipient();
    for round in 0..20_000 {
        let mut noise = vec![0; round % 700];
        random.fill(&mut noise).unwrap();
        assert!(recipient.open(&noise).is_err());
        // Noise behind a good beginning gets further.
        let mut bytes = shapes().swap_remove(round % 6).encode();
        let start = round * 7 % bytes.len();
        random.fill(&mut bytes[start..]).unwrap();
        let _ = recipient.open(&bytes);
    }
}

#[test]
fn an_altered_identifier_is_named_before_any_secret_is_used() {
    let recipient = Recipient::generate(&aws_lc::BACKEND).unwrap();
    let mut other = message(recipient.public_key_der(), &pad(PLAINTEXT));
    other.at(SKI).content()[31] ^= 1;
    assert_eq!(recipient.open(&other.encode()).unwrap_err().code(), Code::CmsForeignRecipient);
}
