//! The Secret Service, the keyring of Linux and the BSDs: a service that may start after us, end and start anew, be
//! locked, and ask for its password in a window of its own.

use std::sync::atomic::{AtomicBool, Ordering};

use keyring::{Entry, Error};
use secret_service::blocking::SecretService;
use secret_service::{EncryptionType, Error as ServiceError};

use super::vault::{Ask, Unavailable};

/// Whether the service answered in this run: once it is gone, it may still hold something.
static ANSWERED: AtomicBool = AtomicBool::new(false);

/// What a collection is called and found by where none was made yet, as by every other program.
const NEW: (&str, &str) = ("Default keyring", "default");

/// Unlocks the collection that entries are in, and makes it if that is what may be asked for. Asking an entry would
/// unlock it too, each one anew, and nobody could tell beforehand whether the person is asked.
pub fn unlock(ask: Ask) -> Result<(), Unavailable> {
    // No secret goes over this connection.
    let service = SecretService::connect(EncryptionType::Plain).map_err(|_| gone())?;
    ANSWERED.store(true, Ordering::Relaxed);
    let collection = match service.get_default_collection() {
        Err(ServiceError::NoResult) if ask == Ask::ToMake => service.create_collection(NEW.0, NEW.1),
        // There is nothing to be found in it.
        Err(ServiceError::NoResult) => return Ok(()),
        other => other,
    };
    let collection = collection.map_err(|error| refusal(&error))?;
    let is_locked = || collection.is_locked().map_err(|error| refusal(&error));
    if is_locked()? && ask != Ask::Nothing {
        collection.unlock().map_err(|error| refusal(&error))?;
    }
    if is_locked()? { Err(Unavailable::locked()) } else { Ok(()) }
}

fn gone() -> Unavailable {
    if ANSWERED.load(Ordering::Relaxed) {
        Unavailable::new("the keyring service has stopped")
    } else {
        Unavailable::absent()
    }
}

fn refusal(error: &ServiceError) -> Unavailable {
    match error {
        // The person said no, or there is nothing to ask with.
        ServiceError::Prompt | ServiceError::Locked | ServiceError::NoResult => Unavailable::locked(),
        other => Unavailable::new(other.to_string()),
    }
}

/// What an entry answers, over a new connection where the old one leads nowhere: the service was started since, or anew.
pub fn answer<T>(
    service: &str,
    account: &str,
    question: impl Fn(&Entry) -> Result<T, Error>,
) -> Result<T, Error> {
    // Connects, the first time in a process and never again.
    let _ = Entry::store_status();
    let ask = || question(&Entry { inner: keyring_core::Entry::new(service, account)? });
    match ask() {
        Err(Error::NoDefaultStore | Error::PlatformFailure(_)) => {
            let store = zbus_secret_service_keyring_store::Store::new().map_err(|_| Error::NoDefaultStore)?;
            keyring_core::set_default_store(store);
            ask()
        }
        answer => answer,
    }
}
