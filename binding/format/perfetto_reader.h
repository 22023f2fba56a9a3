// A Perfetto trace file -> plain rows. Captures that WritePerfetto wrote come
// back without loss; of traces of other programs the slices, instants, counters
// and GPU stages are read (perfetto_foreign.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../core/raw_rows.h"
#include "../core/status.h"
#include "../core/streamed_logs.h"

namespace opscope {

// Any thread. Memory beyond the rows is bounded. A file may be cut anywhere:
// what is whole is read, and warning "file-cut" counts the bytes at its end
// that could not be used (0 where it ends between two packets). Bytes inside
// that make no sense are warning "file-damaged" (the rest of the file) or
// "damaged-packets" (single packets). Nothing readable at all: kFileFormat for
// a file of another kind, kFileDamaged for a trace without one whole packet.
// A file that was written while its session went on comes back as `logs`, with
// what belongs beside them in `rows`; else `logs` stays null.
Status ReadPerfetto(const std::vector<std::string>& paths, RawRows* rows,
                    std::unique_ptr<StreamedLogs>* logs);
// The same to its end: a recording. Further files continue the first one.
Status LoadPerfetto(const std::vector<std::string>& paths, std::shared_ptr<const Recording>* recording);

}  // namespace opscope
