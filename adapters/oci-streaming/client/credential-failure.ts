import type { AuthKind } from "../options.ts";

/** Where nothing is known of what the SDK threw: what each kind needs. */
const NEEDS: Readonly<Record<AuthKind, string>> = {
  "config-file": "the cause says why",
  "session-token": "the cause says why",
  "instance-principal": "they are those of an instance of OCI, whose metadata service does not answer; the cause says more",
  "resource-principal": "they are those of a resource of OCI, which has them in variables OCI_RESOURCE_PRINCIPAL_…; the cause says more",
  "workload-identity": "they are those of a pod of OKE, in which this program has to run; the cause says more",
};

/** By the text or the name of what the SDK throws, the first one counts. That text may repeat a line of a file, and is never shown. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^File does not exists? at|^ ?Can't load the default config/, "there is no configuration file: see configFile, and OCI_CONFIG_FILE"],
  [/^No profile named/, "the configuration file has no such profile: see profile, and OCI_CONFIG_PROFILE"],
  [/^Found line with|^Config parse error|^Cannot have empty profile/, "the configuration file has a line that is no setting"],
  [/^Region not specified/, "the profile has no region"],
  [/^Failed to read private key/, "a file that the profile names cannot be read: key_file, or security_token_file"],
  [/passphrase/i, "the private key is encrypted, and its passphrase is missing or wrong: see pass_phrase of the profile"],
  [/^KeyParseError/, "the private key is none that can be read: see key_file of the profile"],
  [/^the token is missing/, "the profile has no token, or an empty one: see security_token_file"],
];
const MISSING_SETTING = /^missing (tenancy|user|fingerprint|key_file) in config/;

/** Why there are no credentials, for a message. */
export function credentialFailure(cause: unknown, auth: AuthKind): string {
  const { name, message } = cause instanceof Error ? cause : { name: "", message: typeof cause === "string" ? cause : "" };
  const missing = MISSING_SETTING.exec(message)?.[1];
  if (missing !== undefined) return `the profile has no ${missing}`;
  const known = REASONS.find(([pattern]) => pattern.test(message) || pattern.test(name));
  return known?.[1] ?? NEEDS[auth];
}
