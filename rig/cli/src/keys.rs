//! The key that signs: an OpenSSH private key file, or a public one whose private half is in the ssh-agent.

use std::io::{IsTerminal, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use rig_evidence::{Role, key_of, public_key};
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, LineEnding, PrivateKey, PublicKey, SshSig};

use crate::{agent, say};

/// A key file is far smaller.
const MAX_FILE: u64 = 64 * 1024;

/// A key that was found and can sign once it is unlocked.
#[derive(Debug)]
pub struct SigningKey {
    path: PathBuf,
    public: PublicKey,
    private: Private,
}

#[derive(Debug)]
enum Private {
    File(Box<PrivateKey>),
    /// The agent's socket.
    Agent(PathBuf),
}

impl SigningKey {
    /// Reads the key file. A passphrase is not asked for yet.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = read(path)?;
        let (public, private) = if text.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----") {
            let key = PrivateKey::from_openssh(&*text).map_err(|error| anyhow!("`{shown}` is not a whole private key: {error}"))?;
            may_sign(path, &key.algorithm())?;
            warn_of_readers(path);
            (key.public_key().clone(), Private::File(Box::new(key)))
        } else if text.starts_with("-----BEGIN ") || text.starts_with("PuTTY-") {
            bail!("`{shown}` is in a format that is not read here; make it one of OpenSSH: `ssh-keygen -p -f {shown}`");
        } else {
            let mut lines = text.lines().filter(|line| !line.trim().is_empty());
            let (Some(line), None) = (lines.next(), lines.next()) else {
                bail!("`{shown}` is no key: expected an OpenSSH private key, or the one line of a `.pub` file");
            };
            let key = public_key(line).map_err(|wrong| anyhow!("`{shown}` is no key to sign with: {wrong}"))?;
            (key, Private::Agent(socket(path)?))
        };
        Ok(Self { path: path.to_owned(), public, private })
    }

    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Makes it ready: asks for the passphrase of a file that has one, and looks whether the agent has the key.
    pub fn unlock(&mut self) -> Result<()> {
        match &mut self.private {
            Private::File(key) if key.is_encrypted() => {
                let passphrase = passphrase(&self.path)?;
                let wrong = |_| anyhow!("this is not the passphrase of `{}`", self.path.display());
                let open = key.decrypt(passphrase.as_bytes()).map_err(wrong)?;
                **key = open;
                Ok(())
            }
            Private::File(_) => Ok(()),
            Private::Agent(socket) => agent::looks_up(socket, &self.public).with_context(|| by_agent(&self.path)),
        }
    }

    /// An armored SSHSIG over the text in the role's namespace. It was checked before it is given.
    pub fn sign(&self, role: Role, text: &[u8]) -> Result<Vec<u8>> {
        let namespace = role.namespace();
        let signature = match &self.private {
            Private::File(key) => key.sign(namespace, HashAlg::Sha512, text),
            Private::Agent(socket) => {
                let data = SshSig::signed_data(namespace, HashAlg::Sha512, text).map_err(|e| anyhow!("{e}"))?;
                let signature = agent::sign(socket, &self.public, &data).with_context(|| by_agent(&self.path))?;
                SshSig::new(self.public.key_data().clone(), namespace, HashAlg::Sha512, signature)
            }
        };
        let armored = signature.and_then(|signature| signature.to_pem(LineEnding::LF));
        let armored = armored.map_err(|error| anyhow!("failed to sign with `{}`: {error}", self.path.display()))?.into_bytes();
        match key_of(&armored, text, role) {
            Ok(key) if key.key_data() == self.public.key_data() => Ok(armored),
            Ok(_) => bail!("the signature of `{}` is another key's", self.path.display()),
            Err(unproven) => bail!("the signature of `{}` is not good: {unproven}", self.path.display()),
        }
    }
}

fn by_agent(path: &Path) -> String {
    format!("`{}` is a public key, and its private half is to sign through the ssh-agent (or name the private key's file)", path.display())
}

fn read(path: &Path) -> Result<String> {
    let reading = || format!("failed to read the key `{}`", path.display());
    let file = std::fs::File::open(path).with_context(reading)?;
    // A pipe would keep the program waiting, and a folder can't be read.
    if !file.metadata().with_context(reading)?.is_file() {
        bail!("`{}` is no file; expected a key", path.display());
    }
    let mut text = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut text).with_context(reading)?;
    match String::from_utf8(text) {
        Ok(text) if text.len() as u64 <= MAX_FILE => Ok(text),
        _ => bail!("`{}` is no key: expected an OpenSSH private key, or the one line of a `.pub` file", path.display()),
    }
}

fn may_sign(path: &Path, algorithm: &Algorithm) -> Result<()> {
    let shown = path.display();
    match algorithm {
        Algorithm::Ed25519 | Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 | EcdsaCurve::NistP384 } => Ok(()),
        Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => {
            bail!(
                "`{shown}` is the key of a security device, which signs through the ssh-agent: `ssh-add {shown}`, then `--key {shown}.pub`"
            )
        }
        other => bail!(
            "`{shown}` is a key of type `{}`, which is not supported; use an ed25519 or ecdsa key: `ssh-keygen -t ed25519`",
            other.as_str()
        ),
    }
}

fn warn_of_readers(path: &Path) {
    let mode = std::fs::metadata(path).map_or(0, |meta| meta.permissions().mode());
    if mode & 0o077 != 0 {
        say::err(format_args!("warning: others may read the private key `{0}`: `chmod 600 {0}`", path.display()));
    }
}

fn socket(path: &Path) -> Result<PathBuf> {
    match std::env::var_os("SSH_AUTH_SOCK").filter(|socket| !socket.is_empty()) {
        Some(socket) => Ok(socket.into()),
        None => bail!("{}; but SSH_AUTH_SOCK names none: `eval $(ssh-agent)`, then `ssh-add`", by_agent(path)),
    }
}

/// Without a terminal nobody can be asked, and nothing waits for an answer.
fn passphrase(path: &Path) -> Result<String> {
    let shown = path.display();
    if !std::io::stdin().is_terminal() {
        bail!(
            "`{shown}` has a passphrase, and there is no terminal to ask for it; give the key to an ssh-agent (`ssh-add {shown}`) and name `{shown}.pub`"
        );
    }
    rpassword::prompt_password(format!("passphrase of {shown}: ")).with_context(|| format!("failed to ask for the passphrase of `{shown}`"))
}
