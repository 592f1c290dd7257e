import { type KeyObject, createHash, generateKeyPair, randomBytes } from "node:crypto";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { REGION, createOcid } from "../ocid.ts";

const OWNER_ONLY = 0o600;
const SESSION_MS = 3_600_000;
/** A key id of this form holds a token, as sessions and principals have it. */
const TOKEN_PREFIX = "ST$";

/**
 * A user with a new key, in a configuration file as Oracle's own tools read it. Only this machine's user can read the files, and `remove`
 * removes them. The profile DEFAULT signs with the key of the user, SESSION with a session token.
 */
export class ThrowAwayIdentity {
  readonly tenancy: string;
  readonly configFile: string;
  readonly #folder: string;
  readonly #publicKey: KeyObject;
  readonly #userKeyId: string;
  /** Session tokens: two while a session is renewed, none after it has expired. */
  #accepted: readonly string[];

  private constructor(tenancy: string, folder: string, publicKey: KeyObject, userKeyId: string, token: string) {
    this.tenancy = tenancy;
    this.#folder = folder;
    this.configFile = join(folder, "config");
    this.#publicKey = publicKey;
    this.#userKeyId = userKeyId;
    this.#accepted = [token];
  }

  static async create(nowMs: number, keyBits: number): Promise<ThrowAwayIdentity> {
    const [{ publicKey, privateKey }, folder] = await Promise.all([
      promisify(generateKeyPair)("rsa", { modulusLength: keyBits }),
      mkdtemp(join(tmpdir(), "streamport-oci-")),
    ]);
    const [tenancy, user] = [createOcid("tenancy"), createOcid("user")];
    const fingerprint = fingerprintOf(publicKey);
    const token = sessionToken(nowMs);
    const identity = new ThrowAwayIdentity(tenancy, folder, publicKey, `${tenancy}/${user}/${fingerprint}`, token);
    const [keyFile, tokenFile] = [join(folder, "key.pem"), identity.#tokenFile];
    const common = [`tenancy=${tenancy}`, `region=${REGION}`, `key_file=${keyFile}`, `fingerprint=${fingerprint}`];
    const profiles = ["[DEFAULT]", `user=${user}`, ...common, "", "[SESSION]", ...common, `security_token_file=${tokenFile}`, ""];
    await Promise.all([
      writeFile(keyFile, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: OWNER_ONLY }),
      writeFile(tokenFile, token, { mode: OWNER_ONLY }),
      writeFile(identity.configFile, profiles.join("\n"), { mode: OWNER_ONLY }),
    ]);
    return identity;
  }

  get #tokenFile(): string {
    return join(this.#folder, "token");
  }

  /** @returns `null` for a key id that is not one of these, or not any more */
  keyOf(keyId: string): KeyObject | null {
    return keyId === this.#userKeyId || this.#accepted.some((token) => keyId === TOKEN_PREFIX + token) ? this.#publicKey : null;
  }

  /** Refuses the session token from now on, as one whose time is over. Its file keeps it until `renewSession`. */
  expireSession(): void {
    this.#accepted = [];
  }

  /** Writes a new session token into its file. The former one is refused once the file has the new one, of which no reader sees a part. */
  async renewSession(nowMs: number): Promise<void> {
    const token = sessionToken(nowMs);
    this.#accepted = [...this.#accepted, token];
    const written = `${this.#tokenFile}.new`;
    await writeFile(written, token, { mode: OWNER_ONLY });
    await rename(written, this.#tokenFile);
    this.#accepted = [token];
  }

  /** Never rejects. */
  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** https://docs.oracle.com/en-us/iaas/Content/API/Concepts/apisigningkey.htm */
function fingerprintOf(key: KeyObject): string {
  const digest = createHash("md5")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("hex");
  return digest.match(/../g)!.join(":");
}

/** A JWT in form: the SDKs read its times. Nobody verifies its signature. */
function sessionToken(nowMs: number): string {
  const issuedAt = Math.floor(nowMs / 1_000);
  const parts = [
    { alg: "none", typ: "JWT" },
    { sub: "emulator", iat: issuedAt, exp: issuedAt + SESSION_MS / 1_000 },
  ];
  return [...parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")), randomBytes(12).toString("base64url")].join(".");
}
