import { type KeyObject, createPrivateKey } from "node:crypto";

/** https://www.rfc-editor.org/rfc/rfc7468#section-11, and https://www.rfc-editor.org/rfc/rfc1421#section-4.6.1.1 */
const ENCRYPTED = /^(?:-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED)/m;

/**
 * @returns `null` where Node cannot read the key, or it is no RSA key: the SDK may know it
 * @throws where the key is encrypted and does not open. The SDK's parser must not see it: it throws where nobody can catch that, and ends the process
 */
export function readRsaKey(text: string, passphrase: string | null): KeyObject | null {
  try {
    const key = createPrivateKey(passphrase === null ? text : { key: text, passphrase });
    return key.asymmetricKeyType === "rsa" ? key : null;
  } catch (cause) {
    if (ENCRYPTED.test(text)) throw new Error("the passphrase does not open the private key, or is missing", { cause });
    return null;
  }
}
