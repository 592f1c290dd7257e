import { randomBytes } from "node:crypto";

/** The region of the emulator: a real one, because the SDKs know the regions by name. */
export const REGION = "us-phoenix-1";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const UNIQUE_LENGTH = 60;

/** An identifier in the vendor's form. https://docs.oracle.com/en-us/iaas/Content/General/Concepts/identifiers.htm */
export function createOcid(resource: string): string {
  const unique = Array.from(randomBytes(UNIQUE_LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]).join("");
  // Tenancies, users and compartments belong to no region.
  const region = resource.startsWith("stream") ? "phx" : "";
  return `ocid1.${resource}.oc1.${region}.${unique}`;
}
