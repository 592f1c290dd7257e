import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CertificateAuthority, type CertifiedKey } from "./certificates.ts";
import type { KafkaListener } from "./server-properties.ts";

interface KafkaUser {
  readonly username: string;
  readonly password: string;
}

export interface KafkaSecurityOptions {
  /** `connections.max.reauth.ms` of both SASL listeners: how long a session lives before the client must authenticate again. */
  readonly maxReauthenticationMs?: number | undefined;
}

/**
 * What a client needs for the listeners with security. Both SASL listeners accept all mechanisms, with the same users.
 * Clients without security, `users.admin` and `clientKey` may do everything; all others only what an access control list allows.
 */
export interface KafkaSecurity {
  readonly bootstrapServers: Readonly<Record<Exclude<KafkaListener, "PLAINTEXT">, string>>;
  /** Certificate of the authority that signs for brokers and clients, in PEM. */
  readonly authority: string;
  /** Key and certificate for the listener SSL, which requires a client certificate. */
  readonly clientKey: CertifiedKey;
  /** Key and certificate of an authority that no broker knows. */
  readonly untrustedKey: CertifiedKey;
  /** Users for PLAIN and both SCRAM mechanisms. Their names are the subjects for OAUTHBEARER. */
  readonly users: { readonly admin: KafkaUser; readonly restricted: KafkaUser };
}

/** The files and passwords that are made before the brokers are formatted. */
export interface SecurityMaterial extends Omit<KafkaSecurity, "bootstrapServers"> {
  readonly authorityFile: string;
  /** The broker's key and certificate in one PEM file. */
  readonly brokerKeyFile: string;
}

const CLIENT_COMMON_NAME = "streamport-client";

/** Makes authorities, certificates and passwords, and the files for the brokers. */
export async function createSecurityMaterial(clusterFolder: string): Promise<SecurityMaterial> {
  const folder = join(clusterFolder, "security");
  await mkdir(folder, { mode: 0o700 });
  const [authority, stranger] = await Promise.all([
    CertificateAuthority.create(folder, "local-authority"),
    CertificateAuthority.create(folder, "unknown-authority"),
  ]);
  const [broker, clientKey, untrustedKey] = await Promise.all([
    authority.issue("broker"),
    authority.issue(CLIENT_COMMON_NAME),
    stranger.issue(CLIENT_COMMON_NAME),
  ]);
  const brokerKeyFile = join(folder, "broker.pem");
  await writeFile(brokerKeyFile, `${broker.key}\n${broker.certificate}`, { mode: 0o600 });
  return {
    authority: await authority.certificate(),
    authorityFile: authority.certificateFile,
    brokerKeyFile,
    clientKey,
    untrustedKey: untrustedKey,
    users: { admin: newUser("admin"), restricted: newUser("restricted") },
  };
}

/** Principals that no access control list restricts. Brokers talk to each other without security, on the loopback interface. */
export const SUPER_USERS = ["User:ANONYMOUS", "User:admin", `User:CN=${CLIENT_COMMON_NAME}`] as const;

function newUser(username: string): KafkaUser {
  return { username, password: randomBytes(18).toString("base64url") };
}
