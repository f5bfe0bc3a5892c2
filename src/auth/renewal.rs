//! Renewing a session: one renewal at a time among all tasks and windows, so that no refresh token is spent twice, and
//! nothing but the provider's own word ends a session.

use std::time::Duration;

use jiff::Timestamp;
use oauth2::http::StatusCode;
use thiserror::Error;

use super::Step;
use super::id_token::{self, Rejected};
use super::log_out;
use super::provider::{Provider, ProviderError};
use super::session::{Obtained, Session, Why, expiry};
use super::tokens::{self, TokenError};
use crate::http::Http;
use crate::secret::Secret;
use crate::store::{self, Account, Kept, Store, StoreError, Turn, Unavailable, Used};

/// How long to wait for another window that renews the same session: longer than its renewal can take.
const TURN: Duration = Duration::from_mins(5);

/// How often a refresh token is sent by itself where no answer comes: it may have been used up by the first.
const SENDS: u32 = 2;

/// A renewal about to be made.
pub struct Renewal<'a> {
    /// Where the session is kept, and its other windows keep theirs.
    pub store: &'a Store,
    /// Whose session it is.
    pub account: &'a Account,
    /// The client; it records the exchanges.
    pub http: &'a Http,
    /// Told of each step as it happens.
    pub report: &'a (dyn Fn(Step) + Sync),
    /// What it is done for.
    pub why: Why,
}

/// What a renewal came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// The session as it is now.
    pub session: Session,
    /// Where it is kept.
    pub kept: Kept,
}

/// Why a session was not renewed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RenewalError {
    /// The provider issued no refresh token at login.
    #[error("The provider issued no refresh token, so this session cannot be renewed.")]
    NoRefreshToken,
    /// The session is no longer kept: the person logged out or in anew meanwhile, here or in another window.
    #[error("This session was ended on this computer, in this window or another.")]
    EndedHere,
    /// The right to renew was not to be had: another window does not come to an end, or the system gives no lock.
    #[error("Another window could not be kept from renewing the same session: {0}.")]
    NoTurn(Unavailable),
    /// The provider is not to be had.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The token endpoint issued nothing.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It was sent often enough, and never answered: the person must say whether it is sent once more.
    #[error("The renewal was sent {SENDS} times, and not answered.")]
    NotAnswered,
    /// The provider did renew the session, and its answer was lost on the way: the new refresh token with it.
    #[error("The provider's answer was lost, and with it the new refresh token. {0}")]
    AnswerLost(String),
    /// The session was renewed, and what came of it is not to be had: the window that did it could not keep it, or ended
    /// first.
    #[error("The session was renewed, and what came of that could not be kept.")]
    NotKept,
    /// The session was renewed in another window, and the keyring that may hold what came of it cannot be read.
    #[error("Another window renewed the session, and the keyring cannot be read: {0}.")]
    Unreadable(Unavailable),
    /// The renewed ID token must not be believed.
    #[error(transparent)]
    IdToken(#[from] Rejected),
    /// The renewed ID token is about somebody else (OpenID Connect Core 1.0, section 12.2).
    #[error("The provider answered with the session of somebody else.")]
    SomebodyElse,
}

/// What a failed renewal means for the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// The session is over: the person must log in again.
    Over,
    /// The refresh token was not spent, and the trouble may pass: worth trying again, after this long where the
    /// provider said so.
    MayPass(Option<Duration>),
    /// The refresh token may have been spent, and its answer lost. Sending it again and again helps nobody.
    InDoubt,
    /// The provider answered, and not with what is needed. The session lives until its token ends.
    Refused,
}

impl RenewalError {
    /// What it means for the session.
    #[must_use]
    pub fn prospect(&self) -> Prospect {
        match self {
            Self::NoRefreshToken | Self::EndedHere | Self::AnswerLost(_) | Self::NotKept => Prospect::Over,
            Self::NoTurn(_) | Self::Unreadable(_) | Self::Provider(ProviderError::NoAnswer(_)) => {
                Prospect::MayPass(None)
            }
            Self::NotAnswered => Prospect::InDoubt,
            Self::Provider(error) if error.is_trouble() || error.is_somebody_else() => {
                Prospect::MayPass(None)
            }
            Self::Token(error) => match error {
                TokenError::NoAnswer(error) if error.why.is_before_sending() => Prospect::MayPass(None),
                TokenError::Busy { status: StatusCode::TOO_MANY_REQUESTS, retry_after } => {
                    Prospect::MayPass(*retry_after)
                }
                // Without a word of when to come back, it may be a proxy's answer to a request that was heard.
                TokenError::Busy { status: StatusCode::SERVICE_UNAVAILABLE, retry_after: Some(after) } => {
                    Prospect::MayPass(Some(*after))
                }
                TokenError::NoAnswer(_) | TokenError::Busy { .. } | TokenError::NotTokens(_) => {
                    Prospect::InDoubt
                }
                TokenError::Refused { error, .. } => match error.as_str() {
                    "invalid_grant" => Prospect::Over,
                    "temporarily_unavailable" | "slow_down" => Prospect::MayPass(None),
                    _ => Prospect::Refused,
                },
            },
            Self::Provider(_) | Self::IdToken(_) | Self::SomebodyElse => Prospect::Refused,
        }
    }

    /// Whether the session is over.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.prospect() == Prospect::Over
    }
}

/// How long to wait before the next try, after so many that failed: longer each time, up to five minutes, and never
/// the same for two windows.
#[must_use]
pub fn back_off(failed: u32) -> Duration {
    let most = Duration::from_mins(5).min(Duration::from_secs(2) * 2_u32.saturating_pow(failed.min(10)));
    most.mul_f64(0.5 + 0.5 * fastrand::f64())
}

impl Renewal<'_> {
    /// Renews the session that is `held`, and keeps what comes of it; where another window did so meanwhile, its result
    /// is taken.
    ///
    /// # Errors
    /// When there is no renewed session. The old one is then as it was, unless [`RenewalError::is_final`].
    pub async fn run(self, held: &Session) -> Result<Renewed, RenewalError> {
        let renewed = self.renew(held).await?;
        if renewed.session.granted != held.granted {
            let (before, now) = (held.granted.clone(), renewed.session.granted.clone());
            (self.report)(Step::ScopesChanged { before, now });
        }
        Ok(renewed)
    }

    async fn renew(&self, held: &Session) -> Result<Renewed, RenewalError> {
        let turn = tokio::time::timeout(TURN, self.store.turn(self.account)).await.unwrap_or_else(|_| {
            let why = format!("it has been at it for more than {} seconds", TURN.as_secs());
            Err(Unavailable::new(why))
        });
        let turn = turn.map_err(RenewalError::NoTurn)?;
        let mut unreadable = None;
        let session = match self.stored().await {
            Ok(Some(stored)) => match younger(stored, held) {
                Some(sibling) if !is_due(&sibling.session) => return Ok(self.taken(sibling)),
                // Its refresh token is the one that is good.
                Some(sibling) => sibling.session,
                None => held.clone(),
            },
            Ok(None) => return Err(RenewalError::EndedHere),
            // What was there was no session, or nothing could be read: what is held is all there is.
            Err(StoreError::Foreign { .. }) => {
                self.store.save(self.account, held).await;
                held.clone()
            }
            Err(StoreError::Unavailable(why)) => {
                unreadable = Some(why);
                held.clone()
            }
        };
        let token = session.refresh_token.as_ref().ok_or(RenewalError::NoRefreshToken)?;
        let sent = match turn.used(token) {
            Used::Spent => return Err(unreadable.map_or(RenewalError::NotKept, RenewalError::Unreadable)),
            Used::Sent(times) if times >= SENDS && self.why != Why::Asked => {
                return Err(RenewalError::NotAnswered);
            }
            Used::Sent(times) => times,
        };
        let renewed = match self.exchange(&session, token, &turn, sent).await {
            // Before that is believed: something that heeds no lock may have renewed meanwhile.
            Err(error) if error.is_final() => return self.sibling_of(&session).await.ok_or(error),
            other => other?,
        };
        if let Some(kept) = self.store.replace(self.account, &session, &renewed).await {
            return Ok(Renewed { session: renewed, kept });
        }
        if let Some(sibling) = self.sibling_of(&session).await {
            return Ok(sibling);
        }
        // Whoever logged out could not know of these tokens.
        let _ = log_out::revoke(&renewed, self.http).await;
        Err(RenewalError::EndedHere)
    }

    /// Exchanges the refresh token, and once more where it may have been heard and no answer came. Each time is noted
    /// before it is sent, for whoever comes after, also if this process is killed.
    async fn exchange(
        &self,
        session: &Session,
        token: &Secret,
        turn: &Turn,
        mut sent: u32,
    ) -> Result<Session, RenewalError> {
        // Who asks for it gets one more.
        let most = SENDS.max(sent + 1);
        let mut lost = None;
        loop {
            turn.note(token, Used::Sent(sent + 1)).map_err(RenewalError::NoTurn)?;
            let error = match Box::pin(session.renewed(self.http)).await {
                Ok(renewed) => {
                    let rotated = renewed.refresh_token.as_ref() != Some(token);
                    // If this cannot be noted, the provider will say so.
                    let _ = turn.note(token, if rotated { Used::Spent } else { Used::Sent(0) });
                    return Ok(Session { obtained: Obtained::ByRenewal(self.why), ..renewed });
                }
                Err(error) => error,
            };
            match error.prospect() {
                Prospect::InDoubt if sent + 1 < most => {
                    sent += 1;
                    lost = Some(error);
                    tokio::time::sleep(back_off(0)).await;
                }
                Prospect::InDoubt => return Err(error),
                Prospect::Over if sent > 0 => {
                    let first =
                        lost.map_or("An earlier one was cut short.".to_owned(), |lost| lost.to_string());
                    return Err(RenewalError::AnswerLost(first));
                }
                // There was an answer, so this token is spent; and it must not be believed.
                Prospect::Refused
                    if matches!(error, RenewalError::IdToken(_) | RenewalError::SomebodyElse) =>
                {
                    return Err(error);
                }
                Prospect::Over | Prospect::Refused | Prospect::MayPass(_) => {
                    let _ = turn.note(token, Used::Sent(sent));
                    return Err(lost.unwrap_or(error));
                }
            }
        }
    }

    async fn stored(&self) -> Result<Option<Renewed>, StoreError> {
        let load = tokio::time::timeout(store::PATIENCE, self.store.load(self.account));
        let stored = store::told(load, || (self.report)(Step::WaitingForKeyring)).await;
        let stored = stored.map_err(|_| Unavailable::silent(store::PATIENCE))??;
        Ok(stored.map(|(session, kept)| Renewed { session, kept }))
    }

    async fn sibling_of(&self, session: &Session) -> Option<Renewed> {
        let sibling = younger(self.stored().await.ok()??, session)?;
        Some(self.taken(sibling))
    }

    fn taken(&self, sibling: Renewed) -> Renewed {
        (self.report)(Step::TookSiblings);
        sibling
    }
}

fn is_due(session: &Session) -> bool {
    session.is_due(session.time_left(Timestamp::now()))
}

/// What is stored, where it is the same person's and not the session that is held. Only who has the turn puts another
/// in its place, so it came later.
fn younger(stored: Renewed, held: &Session) -> Option<Renewed> {
    let same_person = stored.session.user.subject == held.user.subject;
    (same_person && stored.session != *held).then_some(stored)
}

impl Session {
    /// Buys new tokens with the refresh token. What else holds this session must not do so too: [`Renewal`] sees to it.
    ///
    /// # Errors
    /// When none were issued, or they are not this person's; this session is then as it was.
    pub async fn renewed(&self, http: &Http) -> Result<Self, RenewalError> {
        let refresh_token = self.refresh_token.as_ref().ok_or(RenewalError::NoRefreshToken)?;
        let provider = Provider::discover(&self.issuer, http).await?;
        let tokens = tokens::renew(&provider.client(&self.client_id), refresh_token, http).await?;
        if let Some(id_token) = &tokens.id_token {
            let (claims, _) =
                id_token::verify(id_token, &tokens.access_token, None, provider, &self.client_id, http)
                    .await?;
            if claims.subject().as_str() != self.user.subject {
                return Err(RenewalError::SomebodyElse);
            }
        }
        let issued_at = Timestamp::now();
        Ok(Self {
            access_token: Secret::new(tokens.access_token.secret()),
            // Where none comes back, the old one stays good (RFC 6749, section 6).
            refresh_token: tokens.refresh_token.or_else(|| self.refresh_token.clone()),
            id_token: tokens
                .id_token
                .map(|token| Secret::new(token.to_string()))
                .or_else(|| self.id_token.clone()),
            granted: tokens.granted.unwrap_or_else(|| self.granted.clone()),
            issued_at,
            expires_at: expiry(issued_at, tokens.expires_in),
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{HttpError, NoAnswer};

    fn no_answer(why: NoAnswer) -> RenewalError {
        RenewalError::Token(TokenError::NoAnswer(HttpError { to: "op:443".to_owned(), why }))
    }

    fn busy(status: u16, after: Option<u64>) -> RenewalError {
        let status = StatusCode::from_u16(status).unwrap();
        RenewalError::Token(TokenError::Busy { status, retry_after: after.map(Duration::from_secs) })
    }

    fn refused(error: &str) -> RenewalError {
        RenewalError::Token(TokenError::Refused { error: error.to_owned(), description: None })
    }

    #[test]
    fn only_the_providers_own_word_ends_a_session() {
        for (error, prospect) in [
            (refused("invalid_grant"), Prospect::Over),
            (no_answer(NoAnswer::Dns), Prospect::MayPass(None)),
            (no_answer(NoAnswer::Refused), Prospect::MayPass(None)),
            (no_answer(NoAnswer::NoRoute), Prospect::MayPass(None)),
            (no_answer(NoAnswer::NoConnection(TURN)), Prospect::MayPass(None)),
            (no_answer(NoAnswer::Tls("expired".to_owned())), Prospect::MayPass(None)),
            (busy(429, Some(7)), Prospect::MayPass(Some(Duration::from_secs(7)))),
            (busy(503, Some(9)), Prospect::MayPass(Some(Duration::from_secs(9)))),
            (busy(503, None), Prospect::InDoubt),
            (refused("temporarily_unavailable"), Prospect::MayPass(None)),
            (no_answer(NoAnswer::TimedOut(TURN)), Prospect::InDoubt),
            (no_answer(NoAnswer::Reset), Prospect::InDoubt),
            (busy(500, None), Prospect::InDoubt),
            (busy(502, None), Prospect::InDoubt),
            (RenewalError::Token(TokenError::NotTokens("HTML".to_owned())), Prospect::InDoubt),
            (refused("mfa_required"), Prospect::Refused),
            (refused("invalid_client"), Prospect::Refused),
            (RenewalError::SomebodyElse, Prospect::Refused),
        ] {
            assert_eq!(error.prospect(), prospect, "{error}");
        }
    }

    #[test]
    fn each_try_waits_longer_up_to_five_minutes_and_no_two_wait_alike() {
        for failed in 0..20 {
            let most = Duration::from_secs(2 * 2_u64.pow(failed).min(150)).min(Duration::from_mins(5));
            let waits: Vec<_> = (0..50).map(|_| back_off(failed)).collect();
            assert!(waits.iter().all(|wait| *wait >= most / 2 && *wait <= most), "{failed}: {waits:?}");
            assert!(waits.iter().any(|wait| *wait != waits[0]));
        }
    }
}
