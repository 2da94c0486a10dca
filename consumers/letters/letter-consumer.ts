import { type Following, type FollowOptions, followTopic } from '../follow-topic.ts'
import { LetterSession, type LetterSessionDeps } from './letter-session.ts'

/** Copies `dead.letters` to where letters can be looked up, until it is stopped; what is copied twice is there once. */
export function startLetterConsumer(
  options: FollowOptions & LetterSessionDeps,
): Promise<Following<LetterSession>> {
  return followTopic({
    ...options,
    topic: 'dead.letters',
    groupId: 'tallygate-letters',
    concurrency: 1,
    openSession: (from) => new LetterSession(options, from),
  })
}
