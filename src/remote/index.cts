import capture = require('./index.js')
export = capture
