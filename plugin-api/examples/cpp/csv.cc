/* SPDX-License-Identifier: 0BSD */
/* csv.cc - a sink of weir in C++17: fields of JSON values as the rows of a CSV file.
 *
 * weir-plugin(7) is the contract.  An instance is an object: create makes it, destroy deletes it, and what it holds (the
 * descriptor, the text of a batch) goes with it.  No exception leaves a callback: `guarded` makes a status and a
 * sentence of it.  An instance lives on one thread. */
#define WEIR_API 1 // loads in every weir of level 1 and later, which is all of them
#include <weir/helpers.h>

#include <cerrno>
#include <exception>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace {

// What an operator may set; weir fills it in by the rows.  The sizes and types are C's: see WEIR_T_* in plugin.h.
struct conf {
    const char *path;
    weir_list columns;
    int64_t header;
};
const weir_option rows[] = {
    WEIR_OPT_STRING(conf, path, "path", WEIR_F_REQUIRED, nullptr, "File that rows are appended to", nullptr),
    WEIR_OPT_LIST(conf, columns, "columns", WEIR_F_REQUIRED, nullptr, "Fields of the value, by path: id, user.name",
                  "A record without the field has an empty cell; an object or an array has none either."),
    WEIR_OPT_BOOL(conf, header, "header", 0, "yes", "Whether an empty file begins with the names of the columns",
                  nullptr),
};
const weir_options options = WEIR_OPTIONS(conf, rows);

enum metric : uint32_t { ROWS, BYTES };
const weir_metric metric_rows[] = {
    {"rows", WEIR_COUNTER, 0, nullptr, "Rows that were written"},
    {"written", WEIR_COUNTER, 0, "bytes", "Bytes that were written"},
};
const weir_metrics metrics = WEIR_METRICS(metric_rows);

// What f gives; of an exception FATAL, with its text as the reason.
template <class F> int guarded(weir_ctx *ctx, F f) noexcept
{
    try {
        return f();
    } catch (const std::exception &e) {
        return weir_fail(ctx, WEIR_FATAL, 0, "%s", e.what());
    } catch (...) {
        return weir_fail(ctx, WEIR_FATAL, 0, "an exception without a text");
    }
}

std::string_view view_of(weir_slice s)
{
    return {static_cast<const char *>(s.ptr), s.len};
}

class descriptor {
  public:
    ~descriptor() { reset(-1); }
    descriptor() = default;
    descriptor(const descriptor &) = delete;
    descriptor &operator=(const descriptor &) = delete;
    void reset(int fd)
    {
        if (fd_ >= 0)
            ::close(fd_);
        fd_ = fd;
    }
    int get() const { return fd_; }

  private:
    int fd_ = -1;
};

class sink {
  public:
    sink(weir_ctx *of, const conf &c) : ctx(of), conf_(c)
    {
        for (size_t i = 0; i < c.columns.count; i++)
            columns_.emplace(c.columns.items[i], i);
    }

    // RETRY: the host waits, longer each time, and calls again; it says so in the log, once.
    int open()
    {
        file_.reset(::open(conf_.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
        if (file_.get() < 0)
            return trouble(WEIR_RETRY);
        return WEIR_OK;
    }

    // The rows of a batch are written together.  Then all of them are safe, or none is in the file and the batch comes
    // again; what is no JSON goes to the dead letters, alone.
    int write(weir_batch *batch)
    {
        weir_view view{};
        view.struct_size = sizeof view;
        if (int r = ctx->host->view(ctx, batch, &view); r != WEIR_OK)
            return r;
        const off_t before = ::lseek(file_.get(), 0, SEEK_END);
        if (before < 0)
            return trouble(WEIR_RETRY);
        begin(before);
        for (uint32_t i = 0; i < view.count; i++)
            add(i, weir_record_at(&view, i)->value);
        if (!put()) {
            const int r = trouble(WEIR_RETRY); // the reason holds for either
            return ::ftruncate(file_.get(), before) == 0 ? r : WEIR_FATAL;
        }
        ctx->host->count(ctx, ROWS, static_cast<int64_t>(view.count - bad_.size()));
        ctx->host->count(ctx, BYTES, static_cast<int64_t>(text_.size()));
        return ctx->host->complete(ctx, batch, bad_.data(), static_cast<uint32_t>(bad_.size()), sizeof(weir_result));
    }

    void close() { file_.reset(-1); }

    weir_ctx *const ctx;

  private:
    int trouble(int status) const
    {
        const int code = errno;
        return weir_fail(ctx, status, static_cast<uint32_t>(code), "%s: %s", conf_.path,
                         std::generic_category().message(code).c_str());
    }

    void begin(off_t length)
    {
        bad_.clear();
        text_.clear();
        if (length > 0 || !conf_.header)
            return;
        for (size_t i = 0; i < conf_.columns.count; i++)
            add_cell(i, conf_.columns.items[i]);
        text_ += '\n';
    }

    void add_cell(size_t column, std::string_view cell)
    {
        if (column > 0)
            text_ += ',';
        if (cell.find_first_of(",\"\r\n") == cell.npos) {
            text_ += cell;
            return;
        }
        text_ += '"';
        for (char c : cell)
            text_.append(c == '"' ? 2 : 1, c);
        text_ += '"';
    }

    void add(uint32_t index, weir_slice value)
    {
        cells_.assign(conf_.columns.count, {});
        const int r = ctx->host->json_walk(ctx, value, on_scalar, this);
        if (error_)
            std::rethrow_exception(std::exchange(error_, nullptr));
        if (r != WEIR_OK) {
            bad_.push_back({index, WEIR_REJECT, 0, 0, "no_json", "its value is no JSON"});
            return;
        }
        for (size_t i = 0; i < cells_.size(); i++)
            add_cell(i, cells_[i]);
        text_ += '\n';
    }

    // Called by json_walk for each scalar.  An exception must not go through the host: it waits until that is back.
    static int on_scalar(void *opaque, weir_slice path, const weir_span *value) noexcept
    {
        sink *s = static_cast<sink *>(opaque);
        try {
            if (auto at = s->columns_.find(view_of(path)); at != s->columns_.end())
                s->cells_[at->second] = s->printed(*value);
            return WEIR_OK;
        } catch (...) {
            s->error_ = std::current_exception();
            return WEIR_FATAL;
        }
    }

    std::string printed(const weir_span &value) const
    {
        if (value.type == WEIR_JSON_NULL)
            return {};
        if (value.type == WEIR_JSON_STRING)
            return std::string(view_of(ctx->host->json_string(ctx, &value)));
        return {static_cast<const char *>(value.ptr), value.len};
    }

    bool put() const
    {
        for (size_t done = 0; done < text_.size();) {
            const ssize_t n = ::write(file_.get(), text_.data() + done, text_.size() - done);
            if (n < 0 && errno != EINTR)
                return false;
            done += n > 0 ? static_cast<size_t>(n) : 0;
        }
        return ::fdatasync(file_.get()) == 0;
    }

    const conf &conf_;
    descriptor file_;
    std::map<std::string, size_t, std::less<>> columns_; // its place, by path
    std::vector<std::string> cells_;
    std::vector<weir_result> bad_;
    std::string text_;
    std::exception_ptr error_;
};

int sink_create(weir_ctx *ctx, const void *c, void **self) noexcept
{
    return guarded(ctx, [=] {
        *self = new sink(ctx, *static_cast<const conf *>(c));
        return WEIR_OK;
    });
}

// A callback made of a member function.
template <auto Member, class... Args> int call(void *self, Args... args) noexcept
{
    sink *s = static_cast<sink *>(self);
    return guarded(s->ctx, [=] { return (s->*Member)(args...); });
}

// C++17 has no designated initialisers, and the order of the fields is nothing to rely on.
const weir_ops sink_ops = [] {
    weir_ops o{};
    o.struct_size = sizeof o;
    o.kind = WEIR_SINK;
    o.promises = WEIR_BLOCKS | WEIR_SINGLE | WEIR_NO_HEADERS;
    o.options = &options;
    o.metrics = &metrics;
    o.create = sink_create;
    o.open = call<&sink::open>;
    o.write = call<&sink::write, weir_batch *>;
    o.close = [](void *self) { static_cast<sink *>(self)->close(); };
    o.destroy = [](void *self) { delete static_cast<sink *>(self); };
    return o;
}();
const weir_ops *const all_ops[] = {&sink_ops, nullptr};
const weir_plugin plugin = {WEIR_PLUGIN_HEAD, "csv", "0.1.0", "Fields of JSON values as rows of a CSV file",
                            "0BSD", nullptr, all_ops};

} // namespace
WEIR_PLUGIN(plugin);
