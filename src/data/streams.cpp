// Samples of files that are read a part at a time: tables by their encoder, and arrays of NumPy's by their
// rows. Relies on io for reading them.

#include <algorithm>

#include "chainrule/data/loader.h"
#include "io/file.h"
#include "io/npy.h"

namespace chainrule {

SampleStream stream_table(const std::string& path, TableEncoder encoder, const TableOptions& options) {
  const auto shared = std::make_shared<const TableEncoder>(std::move(encoder));
  return [path, shared, options]() -> SampleReader {
    TableOptions known = options;
    if (!known.header) known.header = shared->has_header();
    known.usual_decimal = shared->decimal();
    const auto table = std::make_shared<TableStream>(path, known);
    return [table, shared](std::int64_t most) -> Dataset {
      while (true) {
        const Table part = table->read(most);
        if (part.rows() == 0) return {};
        const TargetColumn& target = shared->target();
        const std::size_t column =
            part.has_header ? part.find(target.name).value_or(target.position) : target.position;
        const std::vector<std::int64_t> rows =
            column < part.columns.size() ? rows_with(part, column) : std::vector<std::int64_t>();
        if (rows.empty() && column < part.columns.size()) continue;  // none has a target
        const Table with_target = rows.empty() ? part : take_rows(part, rows);
        return {shared->inputs(with_target), shared->targets(with_target),
                static_cast<std::int64_t>(target.classes.size())};
      }
    };
  };
}

SampleStream stream_npy(const std::string& x_path, const std::string& y_path, std::int64_t classes) {
  return [=]() -> SampleReader {
    const auto x = std::make_shared<NpyRows>(x_path), y = std::make_shared<NpyRows>(y_path);
    if (x->rows() != y->rows() || y->shape().rank() != 1)
      fail_on(y_path, "its shape " + to_string(y->shape()) + " does not fit x of shape " +
                          to_string(x->shape()) + " in " + x_path + "; it must be (n,)");
    return [x, y, classes, first = std::int64_t{0}](std::int64_t most) mutable -> Dataset {
      const std::int64_t count = std::min(most, x->rows() - first);
      if (count <= 0) return {};
      Dataset part{x->read(first, count), y->read(first, count), classes};
      first += count;
      return part;
    };
  };
}

}  // namespace chainrule
