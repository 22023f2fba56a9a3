// Is a file a shared library that this process can load?
#pragma once

#include <string>

namespace opscope::gpu {

// What is wrong with it, as "PATH is ..."; empty where nothing is, and where
// there is no such file, of which the loader tells. The loader does not look at
// the length: it maps a file that was cut, and the program dies of SIGBUS. Of
// another machine's library it says that there is no such file.
std::string LibraryFileTrouble(const std::string& path);

}  // namespace opscope::gpu
