// CommonJS gets the one ES module instance through require(esm): no second copy of the state.
import opscope = require('./index.js')
export = opscope
