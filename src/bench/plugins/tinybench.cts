import tinybench = require('./tinybench.js')
export = tinybench
