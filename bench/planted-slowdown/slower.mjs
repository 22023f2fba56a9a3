import { workload } from './workload.mjs'

export default { work: workload(0.03) }
