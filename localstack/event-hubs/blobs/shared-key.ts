import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { BlobAccount } from "./blob-account.ts";
import { BlobRefusal } from "./blob-refusal.ts";

/** https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key#blob-queue-and-file-services-shared-key-authorization */
const SIGNED_HEADERS = [
  "content-encoding",
  "content-language",
  "content-length",
  "content-md5",
  "content-type",
  "date",
  "if-modified-since",
  "if-match",
  "if-none-match",
  "if-unmodified-since",
  "range",
] as const;

/** The service sorts headers as .NET sorts English words; clients differ in how far they do. Most names come out the same in any order. */
const ORDERS: readonly ((left: string, right: string) => number)[] = [
  new Intl.Collator("en-US", { ignorePunctuation: true }).compare,
  (left, right) => (left < right ? -1 : 1),
];

/**
 * Checks who a request is from: a shared key by its signature; a shared access signature and a bearer token only by their form and
 * time, because nobody can check them here.
 * @throws BlobRefusal
 */
export function authorize(account: BlobAccount, request: IncomingMessage, url: URL, nowMs: number): void {
  const [scheme, credentials = ""] = (request.headers.authorization ?? "").split(" ");
  if (scheme === "Bearer" && credentials !== "") return;
  if (scheme === "SharedKey") return requireSignature(account, request, url, credentials);
  if (scheme === "" && url.searchParams.has("sig")) {
    const expiry = Date.parse(url.searchParams.get("se") ?? "");
    if (expiry > nowMs) return;
    throw new BlobRefusal(403, "AuthenticationFailed", "Signature not valid in the specified time frame.");
  }
  throw new BlobRefusal(
    401,
    "NoAuthenticationInformation",
    "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
  );
}

function requireSignature({ name, key }: BlobAccount, request: IncomingMessage, url: URL, credentials: string): void {
  const colon = credentials.indexOf(":");
  const given = Buffer.from(credentials.slice(colon + 1));
  const isRight = ORDERS.some((order) => {
    const expected = Buffer.from(
      createHmac("sha256", key)
        .update(signedText(request, url, name, order))
        .digest("base64"),
    );
    return expected.length === given.length && timingSafeEqual(expected, given);
  });
  if (credentials.slice(0, colon) === name && isRight) return;
  const text =
    "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.";
  throw new BlobRefusal(403, "AuthenticationFailed", text);
}

function signedText(request: IncomingMessage, url: URL, account: string, order: (left: string, right: string) => number): string {
  const { headers, method = "" } = request;
  const own = Object.keys(headers)
    .filter((name) => name.startsWith("x-ms-"))
    .sort(order)
    .map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const query = [...new Set(url.searchParams.keys())]
    .sort()
    .map((name) => `\n${name.toLowerCase()}:${url.searchParams.getAll(name).sort().join(",")}`);
  return [
    method,
    ...SIGNED_HEADERS.map((name) => {
      const value = headers[name] ?? "";
      return name === "content-length" && value === "0" ? "" : value;
    }),
    `${own.join("")}/${account}${url.pathname}${query.join("")}`,
  ].join("\n");
}
