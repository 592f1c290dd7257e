/** The library has no types: `library.ts` names what we use. */
declare module "dynalite";
