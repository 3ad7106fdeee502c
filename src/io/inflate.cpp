// Unpacking by zlib within a limit: a file may claim any size, and gets no more memory than a multiple of its
// own.

#include "io/inflate.h"

#include <zlib.h>

#include <new>

#include "io/file.h"

namespace chainrule {

bool inflate(std::string_view& packed, Packing packing, std::uint64_t most, std::string& room,
             const std::string& source) {
  struct Stream : z_stream {
    Stream() : z_stream() {}
    ~Stream() { ::inflateEnd(this); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
  } stream;
  if (::inflateInit2(&stream, static_cast<int>(packing)) != Z_OK) throw std::bad_alloc();

  constexpr std::size_t first = 1 << 16, most_at_once = std::size_t{1} << 30;  // zlib counts in 32 bits
  std::size_t done = room.size();
  for (int result = Z_OK; result != Z_STREAM_END;) {
    if (done == room.size()) room.resize(std::min<std::size_t>(most, std::max(first, 2 * done)));
    const std::size_t in = std::min(packed.size(), most_at_once),
                      out = std::min(room.size() - done, most_at_once);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(in);
    stream.next_out = reinterpret_cast<Bytef*>(room.data() + done);
    stream.avail_out = static_cast<uInt>(out);
    result = ::inflate(&stream, Z_NO_FLUSH);
    packed.remove_prefix(in - stream.avail_in);
    done += out - stream.avail_out;
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result == Z_BUF_ERROR && done == most) return false;
    if (result != Z_OK && result != Z_STREAM_END)
      fail_on(source, "its packed bytes are damaged or cut short" +
                          (stream.msg != nullptr ? std::string(": ") + stream.msg : ""));
  }
  room.resize(done);
  return true;
}

void fail_on_bomb(const std::string& path, std::uint64_t packed_bytes) {
  fail_on(path, "its " + std::to_string(packed_bytes) + " bytes would unpack to more than " +
                    std::to_string(most_unpacked(packed_bytes)) +
                    "; if they are meant to, save them without compression");
}

std::string gunzip(std::string_view packed, const std::string& path) {
  std::string room;
  std::string_view rest = packed;
  do {
    if (!inflate(rest, Packing::gzip, most_unpacked(packed.size()), room, path))
      fail_on_bomb(path, packed.size());
  } while (!rest.empty());
  return room;
}

}  // namespace chainrule
