export {
  catalog,
  samples,
  UNLUCKY_USER,
  type UserEvents,
  type UserEventType,
  userEvents,
} from './catalog.ts'
export { maxEventBytes, sources } from './sources.ts'
export { defineSource, maxEventBytesOf, type Source, type SourceEvent } from './webhooks/define-source.ts'
export { at, textAt } from './webhooks/json.ts'
export { githubScheme, type Scheme, standardScheme, stripeScheme } from './webhooks/schemes.ts'
export { type SendAnswer, sendStandard } from './webhooks/send.ts'
export { newStandardSecret, signStandard } from './webhooks/sign.ts'
export { type SignedRequest, type Verdict, verify } from './webhooks/verify.ts'
