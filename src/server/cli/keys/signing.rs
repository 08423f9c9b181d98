//! `tms-portal keys rotate signing`: the keys that sign tokens, for all portals of a database.

use crate::domain::ids::SigningKeyId;
use crate::domain::signing_key::SigningKey;
use crate::server::cli::{CommandError, open_alone};
use crate::server::config::ExistingPortal;
use crate::server::service::platform::signing_keys::{CompromisedKeys, SigningKeyStatus, SigningKeysRefused};
use crate::server::service::{Error, Services};

#[derive(clap::Args)]
pub struct SigningArgs {
    /// With signing: only the key of this ID is compromised, not those that sign now
    #[arg(long, requires = "compromised", value_name = "ID", value_parser = |id: &str| SigningKeyId::parse(id), conflicts_with = "all")]
    kid: Option<SigningKeyId>,
    /// With signing: all keys are compromised, also the next ones
    #[arg(long, requires = "compromised")]
    all: bool,
}

impl SigningArgs {
    pub fn is_given(&self) -> bool {
        self.all || self.kid.is_some()
    }

    fn compromised(self) -> CompromisedKeys {
        match self.kid {
            Some(id) => CompromisedKeys::One(id),
            None if self.all => CompromisedKeys::All,
            None => CompromisedKeys::Active,
        }
    }
}

/// The next keys sign from now on.
pub async fn rotate(portal: &ExistingPortal) -> Result<(), CommandError> {
    let services = open_alone(portal).await?;
    services.rotate_signing_keys().await.map_err(refused)?;
    println!("Other keys sign tokens now; those before verify the tokens that they signed. Running portals follow within a second.");
    print(&services).await?;
    services.close().await;
    Ok(())
}

/// Removes compromised keys; without `confirmed` it only says what stops working.
pub async fn end_compromised(portal: &ExistingPortal, args: SigningArgs, confirmed: bool) -> Result<(), CommandError> {
    let services = open_alone(portal).await?;
    let which = args.compromised();
    let named = services.compromised_keys(&which).await.map_err(refused)?;
    if confirmed {
        services.end_compromised_keys(&which).await.map_err(refused)?;
    }
    for SigningKey { algorithm, id, state, .. } in &named {
        println!("Ends: {algorithm} {id} ({})", state.as_str());
    }
    println!(
        "Access tokens that these keys signed are refused, by portals within a second, by others when they fetch the keys again. Applications get new ones \
         with their refresh tokens; those without have to sign in again."
    );
    if confirmed {
        print(&services).await?;
    } else {
        println!("Nothing was changed: add --yes to end the keys.");
    }
    services.close().await;
    Ok(())
}

/// The keys, as `keys status` shows them.
pub async fn print(services: &Services) -> Result<(), CommandError> {
    println!("signing keys");
    for key in services.signing_key_status().await? {
        println!("  {}  {:<7}  {}  {}", key.algorithm, key.state, key.kid, since_when(&key));
    }
    Ok(())
}

fn since_when(key: &SigningKeyStatus) -> String {
    let (created_at, none) = (&key.created_at, String::new());
    let times = match (&key.usable_at, &key.retired_at) {
        (Some(usable_at), _) => format!("published {created_at}, can sign from {usable_at}"),
        (_, Some(retired_at)) => format!("verifies since {retired_at}, until {}", key.remove_at.as_ref().unwrap_or(&none)),
        _ => format!("signs since {}", key.activated_at.as_ref().unwrap_or(created_at)),
    };
    if key.usable { times } else { format!("{times}; secrets.key does not open it") }
}

fn refused(error: Error<SigningKeysRefused>) -> CommandError {
    match error {
        Error::Refused(refused) => CommandError::Other(refused.to_string()),
        Error::Internal(fault) => fault.into(),
    }
}
