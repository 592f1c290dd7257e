// The inner modules of kafkajs have no types of their own; `sdk.ts` says what is used of them.
declare module "kafkajs/src/network/connection.js";
declare module "kafkajs/src/network/socketFactory.js";
