//! One range of one object: asked for, waited for no longer than a file may take, and looked at before it is believed.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore};

use super::super::held::Piece;
use super::counted::Cost;

/// The outcome of a request.
#[derive(Debug)]
pub(super) struct Fetched {
    pub answer: Result<Part, Failure>,
    pub requests: u64,
    pub bytes: u64,
}

/// Bytes of an object.
#[derive(Debug)]
pub(super) struct Part {
    pub bytes: Bytes,
    /// Of the whole object.
    pub size: u64,
    /// The mark of this version of the object.
    pub version: Option<String>,
}

/// Why there are no bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// There is no such object.
    Absent,
    /// The object ends before the range begins.
    Beyond,
    /// It is another one than a moment ago.
    Changed,
    /// The store knows the asker and refuses, or does not know who asks; the store's own word for that.
    Refused(Cow<'static, str>),
    /// This object alone can't be read now; the store's own word for that.
    Unreadable(Cow<'static, str>),
    /// The store can't be reached, or answers nonsense; what happened.
    Unanswered(Cow<'static, str>),
    /// The server sends whole objects where a range was asked for.
    NoRanges,
    /// It took too long.
    TimedOut,
}

/// What S3 says of objects that were put away (Glacier): the asker may read others.
const PUT_AWAY: &str = "InvalidObjectState";

/// What S3 says, with status 400, where credentials or the region they are for won't do.
const EXPIRED: [&str; 4] = ["ExpiredToken", "InvalidToken", "TokenRefreshRequired", "AuthorizationHeaderMalformed"];

/// Fetches a piece of an object. `version` is that of the pieces that came before.
pub(super) async fn fetch(
    store: &dyn ObjectStore,
    key: &Path,
    piece: Piece,
    version: Option<String>,
    time_limit: Duration,
) -> Fetched {
    let cost = Arc::new(Cost::default());
    let answer = match tokio::time::timeout(time_limit, ask(store, key, piece, version, &cost)).await {
        Ok(Ok(part)) => Ok(part),
        Ok(Err(Wrong::Store(error))) => Err(failure(&error, cost.status())),
        Ok(Err(Wrong::Length)) => Err(Failure::Unanswered("it sends other bytes than were asked for".into())),
        Err(_) => Err(Failure::TimedOut),
    };
    Fetched { answer, requests: cost.requests(), bytes: cost.bytes() }
}

enum Wrong {
    Store(object_store::Error),
    Length,
}

impl From<object_store::Error> for Wrong {
    fn from(error: object_store::Error) -> Self {
        Self::Store(error)
    }
}

async fn ask(
    store: &dyn ObjectStore,
    key: &Path,
    piece: Piece,
    version: Option<String>,
    cost: &Arc<Cost>,
) -> Result<Part, Wrong> {
    let mut options = GetOptions {
        range: Some(GetRange::Bounded(piece.from..piece.from.saturating_add(piece.length))),
        // A weak tag matches nothing (RFC 9110 13.1.1).
        if_match: version.filter(|version| !version.starts_with("W/")),
        ..GetOptions::default()
    };
    options.extensions.insert(Arc::clone(cost));
    let result = store.get_opts(key, options).await?;
    let (size, version) = (result.meta.size, result.meta.e_tag.clone());
    let expected = result.range.end.saturating_sub(result.range.start);
    let mut stream = result.into_stream();
    let mut bytes = stream.next().await.transpose()?.unwrap_or_default();
    if (bytes.len() as u64) < expected {
        let mut whole = BytesMut::from(bytes);
        while let Some(more) = stream.next().await.transpose()? {
            whole.extend_from_slice(&more);
            if whole.len() as u64 > expected {
                break;
            }
        }
        bytes = whole.freeze();
    } else if stream.next().await.transpose()?.is_some_and(|more| !more.is_empty()) {
        return Err(Wrong::Length);
    }
    if bytes.len() as u64 == expected { Ok(Part { bytes, size, version }) } else { Err(Wrong::Length) }
}

/// The meaning of an error. Its text may hold urls and names: only the store's own word and the status are told.
fn failure(error: &object_store::Error, status: u16) -> Failure {
    let word = || -> Cow<'static, str> {
        match code_in(&error.to_string()) {
            Some(code) => format!("{status} {code}").into(),
            None if status == 0 => "no answer".into(),
            None => format!("{status}").into(),
        }
    };
    match (error, status) {
        (object_store::Error::NotFound { .. }, _) | (_, 404 | 410) => Failure::Absent,
        (object_store::Error::Precondition { .. }, _) | (_, 412) => Failure::Changed,
        (_, 416) => Failure::Beyond,
        (_, 401 | 403) if word().ends_with(PUT_AWAY) => Failure::Unreadable(word()),
        (_, 401 | 403) => Failure::Refused(word()),
        (_, 400) if EXPIRED.iter().any(|code| word().ends_with(code)) => Failure::Refused(word()),
        (_, 200) => Failure::NoRanges,
        (_, 206) => Failure::Unanswered("its answer was cut off, or is of another range".into()),
        _ => Failure::Unanswered(word()),
    }
}

/// The code in an S3 or Azure error document.
fn code_in(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    (code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(code)
}
