/** What every adapter needs besides the contract. See the README of this folder. */
export { abortable } from "../abortable.ts";
export { pause } from "./pause.ts";
export { RetryBackoff, retrying } from "./retry-backoff.ts";
export type { RetrySettings } from "./retry-backoff.ts";
export { providerErrors } from "./provider-errors.ts";
export type { ProviderErrors } from "./provider-errors.ts";
export { classifySdkError, isBrokenConnection, isUnknownHost } from "./classify-sdk-error.ts";
export type { ErrorRule, SdkErrorRules } from "./classify-sdk-error.ts";
export { sdkErrorParts } from "./sdk-error-parts.ts";
export type { SdkErrorParts } from "./sdk-error-parts.ts";
export { change } from "./change.ts";
export type { ChangeErrors } from "./change.ts";
export { OptionCheck, oneOf } from "./option-check.ts";
export { rules as optionRules } from "../option-rules.ts";
export type { OptionRule } from "../option-rules.ts";
export { UrlSettings, decodeUrlPart, givenOnly } from "./url-settings.ts";
export { StoredSlice, eachStored, notStored } from "./stored-slice.ts";
export { fairShares } from "./fair-shares.ts";
