import { holdMutants } from './hold-mutants.ts'
import { type TestMutant, testMutants } from './mutants.ts'
import { apiMutants } from './mutants-of-the-api.ts'
import { consumerMutants } from './mutants-of-the-consumers.ts'
import { logMutants } from './mutants-of-the-log.ts'
import { nearMutants } from './near-mutants.ts'

/** All that tests of processes must notice; the simulator has mutants of its own. */
export const testedMutants: readonly TestMutant[] = [
  ...testMutants,
  ...holdMutants,
  ...apiMutants,
  ...consumerMutants,
  ...logMutants,
  ...nearMutants,
]
