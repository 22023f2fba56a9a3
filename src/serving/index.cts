import serving = require('./index.js')
export = serving
