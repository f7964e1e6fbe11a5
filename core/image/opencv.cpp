#include "core/image/codec.h"

#include <climits>
#include <iostream>
#include <mutex>
#include <new>
#include <streambuf>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

namespace
{

/* Swallows what is written to it. */
class silent_buffer : public std::streambuf
{
  protected:
    int overflow(int c) override
    {
        return traits_type::not_eof(c);
    }
};

/*
 * cv::imdecode reports what its TIFF and WebP decoders throw on std::cerr, and has no switch for
 * that.  While one of these lives, std::cerr goes nowhere; one at a time, so that the buffer that
 * is put back is the one that was there.
 */
class quiet_scope
{
  public:
    quiet_scope() : lock_(mutex()), saved_(std::cerr.rdbuf(&silence_))
    {
    }
    ~quiet_scope()
    {
        std::cerr.rdbuf(saved_);
    }
    quiet_scope(const quiet_scope &) = delete;
    quiet_scope &operator=(const quiet_scope &) = delete;

  private:
    static std::mutex &mutex()
    {
        static std::mutex one;
        return one;
    }
    std::lock_guard<std::mutex> lock_;
    silent_buffer silence_;
    std::streambuf *saved_;
};

cnx_codec_result decode(uint8_t *bgr, int width, int height, const uint8_t *bytes, size_t size)
{
    /* imdecode only reads from its input, but a Mat header has no const form. */
    const cv::Mat input(1, static_cast<int>(size), CV_8U, const_cast<uint8_t *>(bytes));
    cv::Mat picture(height, width, CV_8UC3, bgr);
    cv::imdecode(input, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION, &picture);
    /* A Mat of another size or type would have got memory of its own. */
    return picture.data == bgr && picture.rows == height && picture.cols == width
               ? CNX_CODEC_OK
               : CNX_CODEC_DAMAGED;
}

cnx_codec_result decode_or_tell(uint8_t *bgr, int width, int height, const uint8_t *bytes,
                                size_t size, bool quiet)
{
    if (size == 0 || size > INT_MAX)
        return CNX_CODEC_OVERSIZE;
    try {
        if (!quiet)
            return decode(bgr, width, height, bytes, size);
        const quiet_scope scope;
        return decode(bgr, width, height, bytes, size);
    } catch (const std::bad_alloc &) {
        return CNX_CODEC_MEMORY;
    } catch (const cv::Exception &e) {
        if (e.code == cv::Error::StsNoMem)
            return CNX_CODEC_MEMORY;
        /* The limits, which the environment may have lowered, are plain assertions in OpenCV. */
        return e.err.find("CV_IO_MAX_IMAGE") != std::string::npos ? CNX_CODEC_OVERSIZE
                                                                  : CNX_CODEC_DAMAGED;
    } catch (...) {
        return CNX_CODEC_DAMAGED;
    }
}

} // namespace

extern "C" const cnx_codec cnx_opencv_codec = {CNX_VERSION, decode_or_tell};
