// A file that is written whole or not at all.
// Everything that the library or the tool writes to a name goes through here.

#pragma once

#include <string>
#include <string_view>

namespace chainrule {

/// A file that is written whole or not at all, as save_file says in chainrule/io.h. What is written goes to a
/// temporary file in the same folder, which takes the place of the file in finish(). Without that, whatever
/// happens, the file stays as it was, and nothing is left of the temporary one. All functions throw an
/// IoError that names the file and the cause.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view bytes);
  void finish();

 private:
  /// Closes and removes what is left of it.
  struct Open {
    int descriptor = -1;
    std::string name;  // of the temporary file, while it has one
    ~Open();
  };
  [[noreturn]] void fail(const std::string& what) const;
  void check(bool done) const;
  void open_stream();
  void open_temporary();
  void write_through(std::string_view bytes);
  void name_temporary();

  std::string path_;    // as given, for messages
  std::string target_;  // the file itself, where path_ is a link; empty when it is no file but a stream
  Open out_;
  std::string buffer_;
};

}  // namespace chainrule
